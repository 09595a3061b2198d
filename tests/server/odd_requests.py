"""HTTP requests for links, plain and odd ones, as the pieces of bytes that a client sends one after the other.

No head is larger than 32 KB: whether a larger one is read depends on how it arrives.
"""

import random
from collections.abc import Iterator
from urllib.parse import quote

Pieces = tuple[bytes, ...]
# closes the connection when everything before was a request of its own, so that the end of the answers is seen
LAST_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: t.example.com\r\nConnection: close\r\n\r\n"
HOST = b"Host: t.example.com\r\n"
METHODS = (b"GET", b"GET", b"GET", b"HEAD", b"HEAD", b"POST", b"OPTIONS", b"get", b"BREW", b"GET ", b"")
VERSIONS = (b"HTTP/1.1",) * 6 + (b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 ", b"")
BROWSER = (
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip\r\n"
)
FIELDS = (
    *(BROWSER, BROWSER.lower(), BROWSER.replace(b": ", b":\t ").replace(b"\r\n", b" \t\r\n")),
    *(b"User-Agent:\r\n", b"User-Agent: one\r\nUser-Agent: two\r\n", b"User-Agent: " + b"x" * 3000 + b"\r\n"),
    *(b"Connection: close\r\n", b"Connection: Close\r\n", b"CONNECTION: keep-alive\r\n", b"Connection: Keep-Alive\r\n"),
    *(b"Connection: close, x\r\n", b"Connection: close\r\nConnection: keep-alive\r\n", b"Connection:\r\n"),
    *(b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"Upgrade: h2c\r\n", b"Keep-Alive: timeout=5\r\n"),
    *(b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\nContent-Length: 0\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"TE: trailers\r\n"),
    *(b"Expect: 100-continue\r\n", b"Expect: x\r\n"),
    *(b"X: a\r\n b\r\n", b"X: a\x00b\r\n", b"X: a\nY: b\r\n", b"X: a\rb\r\n", b"X : a\r\n", b": a\r\n", b"X\r\n"),
    *(b"X: a\x7fb\r\n", b"X: a\x01b\r\n", b"X: \xe4\xff\r\n", b"X:\r\n", b"X: \t \r\n", b"X(: a\r\n", b" X: a\r\n"),
    *(HOST, b"Host: other.example\r\n", b"Host:\r\n", b"X-Host: a\r\n"),
    *(b"X-Forwarded-For: 192.0.2.7, 127.0.0.2\r\n", b"x-forwarded-for: 2001:db8::1\r\nX-Forwarded-For: 127.0.0.3\r\n"),
    *(b"X-Forwarded-For: nonsense\r\n", b"Forwarded: for=192.0.2.9\r\n", b"Via: 1.1 proxy\r\n"),
    *(b"DNT: 1\r\n", b"Sec-GPC: 1\r\n", b"Purpose: prefetch\r\n", b"Sec-Purpose: prefetch;prerender\r\n"),
    *(b"Sec-Fetch-Mode: navigate\r\n", b"Sec-Fetch-Mode: cors\r\n", b"Cookie: a=b\r\n"),
    *(b"".join(b"X-%d: a\r\n" % number for number in range(count)) for count in (62, 63, 64, 300)),
    *(b"X: " + b"a" * size + b"\r\n" for size in (4_000, 16_300)),
)


def generate(token: str, others: list[str], count: int, seed: int) -> Iterator[Pieces]:
    """So many requests or several at once; `token` is that of a link, the others lead elsewhere or nowhere."""
    plain = _make_request(b"GET", f"/c/{token}".encode(), b"HTTP/1.1", HOST)
    for at in range(1, len(plain)):
        yield plain[:at], plain[at:] + LAST_REQUEST
    yield (*tuple(plain[at : at + 1] for at in range(len(plain))), LAST_REQUEST)
    for field in FIELDS:
        yield (_make_request(b"GET", f"/c/{token}".encode(), b"HTTP/1.1", HOST + field) + LAST_REQUEST,)
    chooser = random.Random(seed)  # noqa: S311 - for tests
    targets = list(_list_targets(token, others))
    for _ in range(count - len(plain) - len(FIELDS)):
        requests = []
        for _ in range(chooser.choice((1, 1, 1, 2, 3, 20))):
            chosen = chooser.choice((0, 0, 1, 2))
            fields = [chooser.choice((HOST, HOST, HOST, HOST, b"")), *chooser.sample(FIELDS, chosen)]
            parts = chooser.choice(METHODS), chooser.choice(targets), chooser.choice(VERSIONS), b"".join(fields)
            requests.append(_make_request(*parts) if chooser.random() < 0.5 else plain)
        yield _cut(chooser, b"".join(requests), chooser.choice((b"", b"", b"", b"\r\n", b"\n", b"\0")))


def _make_request(method: bytes, target: bytes, version: bytes, fields: bytes) -> bytes:
    return b"%b %b %b\r\n%b\r\n" % (method, target, version, fields)


def _list_targets(token: str, others: list[str]) -> Iterator[bytes]:
    for each in (token, *others):
        for path in (f"/c/{each}", f"/c/{each}?utm_source=x&y=%20", f"/c/{each}).", f"/c/{quote(quote(each + '='))}"):
            yield path.encode()
    odd = ("/c/", "/c", "/", "*", "c/x", "//c/x", "/c/%00", "/c/a/b", "/c/../c/x", "/C/" + token, "/c/" + token + "#x")
    yield from (path.encode() for path in (*odd, "/c/" + token[:-1], "/c/" + "A" * 9_000))
    yield from (b"http://t.example.com/c/" + token.encode(), b"/c/\xff", b"/c/a b", b"/healthz", b"/nowhere", b"")


def _cut(chooser: random.Random, data: bytes, before: bytes) -> Pieces:
    whole = before + data + LAST_REQUEST
    if b"HTTP/1.0" in data or b"close" in data.lower():
        return (whole,)  # what follows a last request is refused only when it comes before the answer
    cuts = sorted(chooser.randrange(len(whole) + 1) for _ in range(chooser.choice((0, 0, 0, 1, 2))))
    return tuple(whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True))
