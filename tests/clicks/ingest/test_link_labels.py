"""Tests of linkweir.clicks.ingest.link_labels."""

from datetime import UTC, datetime
from email.message import EmailMessage

from linkweir.clicks.ingest.link_labels import list_labels
from linkweir.mime.message import rewrite_message
from linkweir.tokens import KeyRing, Tracker

RING = KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC))
OTHER_RING = KeyRing.generate(datetime(2026, 1, 2, tzinfo=UTC))
PAGE = (
    '<a href="https://a.example/">Read <b>the\n news</b></a><a href="mailto:a@example.org">mail</a>'
    '<a href="https://b.example/"><img src="x.png"></a>'
)


def test_labels_have_the_positions_of_clicks() -> None:
    """Each tracking link of any part is there with its text, however the part is encoded, and no other link is."""
    mail = EmailMessage()
    mail["Subject"] = "x"
    mail.set_content(PAGE, subtype="html", charset="utf-8", cte="base64")
    mail.make_mixed()
    other = EmailMessage()
    other.set_content('<a href="https://c.example/">für Élise</a>', subtype="html", charset="iso-8859-1", cte="8bit")
    mail.attach(other)
    sent = rewrite_message(mail.as_bytes(), Tracker(RING, "https://t.example/c/", message=1)).raw
    expected = {0: "Read the news", 2: "", 3: "für Élise"}
    assert list_labels(sent, RING) == expected
    assert list_labels(sent, OTHER_RING) == {}
    assert list_labels(b"no mail", RING) == {}
