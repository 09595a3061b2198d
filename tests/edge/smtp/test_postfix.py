"""Behind a real Postfix: mail goes in there, comes here, goes back, and leaves with its links replaced."""

import os
import re
import shutil
import smtplib
import tempfile
from pathlib import Path

from aiosmtpd.controller import Controller

from tests.conftest import missing
from tests.edge.serving import Served, free_port, wait_until
from tests.edge.smtp.postfix import Postfix
from tests.edge.smtp.submitting import MAIL
from tests.faults.test_kill import Sink


def test_a_mail_server_hands_over_and_gets_back(tmp_path: Path) -> None:
    """A mail given to Postfix reaches its next hop with our link in it and every other byte of its body the same."""
    if not Path("/usr/sbin/postfix").exists() or os.geteuid() != 0:
        missing("Postfix is not installed, or this is not root, which it needs")
    port, back, to_filter, relay = (free_port() for _ in range(4))
    sink = Sink()
    next_hop = Controller(sink, hostname="127.0.0.1", port=relay)
    next_hop.start()
    ways = {"filter_listen": f"127.0.0.1:{to_filter}", "filter_return": f"127.0.0.1:{back}"}
    folder = Path(tempfile.mkdtemp(prefix="lw"))  # a socket's path must be short
    folder.chmod(0o755)
    try:
        with (
            Served(tmp_path / "data", **ways) as served,
            Postfix(folder, port=port, back=back, to_filter=to_filter, relay=relay) as postfix,
        ):
            served.client.put(served.base, json={"track_clicks": True})
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail("news@example.com", ["ada@example.org"], MAIL)
            wait_until(lambda: sink.mails or "status=bounced" in postfix.log.read_text())
            assert sink.mails, postfix.log.read_text()
            link = re.search(rb'"(http[^"]+)"', sink.mails[0])
            assert link is not None
            assert link[1].startswith(served.settings.base_url.encode())
            assert served.reader.get(link[1].decode()).headers["location"] == "https://example.com/a"
            body, original = (mail.partition(b"\r\n\r\n")[2] for mail in (sink.mails[0], MAIL))
            assert body.replace(link[1], b"https://example.com/a") == original
    finally:
        next_hop.stop()
        shutil.rmtree(folder, ignore_errors=True)
