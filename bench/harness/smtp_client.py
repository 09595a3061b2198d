"""A client that does nothing but send one mail again and again over SMTP, in a process of its own.

`python -m bench.harness.smtp_client PORT USERNAME PASSWORD CONNECTIONS MAILS`, the mail on standard input, its lines
ended with CRLF and its dots doubled. Each connection begins TLS and signs in once. When all have, the word `ready` is
written, and the mails start when a line comes in. Then a JSON object: seconds on the wall from the first MAIL to the
last 250, and the processor time that this client has taken meanwhile. Every mail must be answered 250.
"""

import json
import smtplib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor


def connect(port: int, username: str, password: str) -> smtplib.SMTP:
    """A connection that has signed in. The certificate signs itself, and the peer is this machine."""
    client = smtplib.SMTP("127.0.0.1", port, timeout=120)
    client.starttls()
    client.login(username, password)
    return client


def send(client: smtplib.SMTP, data: bytes, mails: int) -> None:
    """Send the mail so many times."""
    assert client.sock is not None
    for _ in range(mails):
        for command, expected in (("MAIL FROM:<a@example.com>", 250), ("RCPT TO:<b@example.org>", 250), ("DATA", 354)):
            code, text = client.docmd(command)
            assert code == expected, (command, code, text)
        client.sock.sendall(data)
        code, text = client.getreply()
        assert code == 250, (code, text)


def main(words: list[str]) -> None:
    """Connect, wait for the start, send, report."""
    port, connections, mails = int(words[0]), int(words[3]), int(words[4])
    clients = [connect(port, words[1], words[2]) for _ in range(connections)]
    data = sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))
    start = threading.Barrier(connections + 1)

    def run(client: smtplib.SMTP) -> None:
        start.wait()
        send(client, data, mails // connections)

    with ThreadPoolExecutor(connections) as pool:
        done = [pool.submit(run, client) for client in clients]
        print("ready", flush=True)
        sys.stdin.buffer.readline()
        wall, processor = time.perf_counter(), time.process_time()
        start.wait()
        for each in done:
            each.result()
        taken = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    for client in clients:
        client.quit()
    print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
