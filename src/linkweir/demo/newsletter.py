"""`linkweir serve --demo`: sends a sample newsletter over HTTP through the service."""

import email
import email.policy
import json
import time
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from linkweir.errors import BadToken, LinkweirError
from linkweir.html import scan
from linkweir.mail import user_notices
from linkweir.settings import Settings
from linkweir.tokens import KeyRing, open_link

DELIVERY_TIMEOUT_SECONDS = 20.0  # seconds to wait for the delivery
NEWSLETTER_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The Weir, issue 1</title></head>
<body style="font-family: sans-serif">
<h1>Good morning, {{ first_name }}</h1>
<p>This week: <a href="https://example.com/articles/why-links-break?utm_source=weir&amp;issue=1">why links break</a>,
<a href='https://example.org/h%C3%B6here/Mathematik#Br&uuml;cke'>a bridge in K&ouml;nigsberg</a>, and
<A HREF="https://example.net/shop/item.php?id=7&copy=2">one thing to buy</A>.</p>
<p>Questions? <a href="mailto:editor@example.com">Write to us</a>.
<!-- <a href="https://example.com/draft">draft</a> --></p>
<p><small><a href="https://example.com/unsubscribe?who={{ id }}" data-as-no-track>Unsubscribe</a></small></p>
</body></html>
"""


def send_and_print(settings: Settings, url: str, account: str, key: str, ring: KeyRing) -> None:
    """Send the newsletter, wait for its delivery, and print the outcome of each link.

    Raises OSError if the service does not answer, LinkweirError if nothing is delivered in time.
    """
    path = f"/v2/accounts/{account}/messages"
    origin = user_notices.operator_url(settings, url)
    host = urlsplit(origin).netloc
    answer = _call_api(f"{url}{path}", host, key, _build_request())
    message_id = answer["data"][0]["id"]
    seen = _wait_for_delivery(f"{url}{path}/{quote(message_id, safe='')}", host, key)
    mail = settings.maildir_path / "new" / seen["delivery_attempts"][-1]["log"]
    print(
        f"Demo: a newsletter to {seen['recipient']} was sent through the API and delivered to the outbox:\n  {mail}\n"
    )
    for line in _format_links(_read_html(mail), ring):
        print(line)
    print("\nOpen one of these links in a browser (curl counts as a machine, and so may a click in the first minute")
    print("after delivery, when scanners come), then see the click in the dashboard,")
    print("or its click_count in the API:")
    print(f"  {origin}/dashboard/messages/{seen['id']}")
    print(f"  curl -sS {origin}{path}/{seen['id']} -H 'Authorization: Bearer {key}'")
    print(flush=True)


def _build_request() -> dict[str, Any]:
    return {
        "from": {"email": "weir@example.com", "name": "The Weir"},
        "recipients": [{"email": "ada@example.org", "name": "Ada", "substitutions": {"first_name": "Ada", "id": "a1"}}],
        "subject": "The Weir, issue 1, for {{ first_name }}",
        "html_content": NEWSLETTER_HTML,
        "tags": ["demo"],
        "tracking": {"click": True},
    }


def _call_api(url: str, host: str, key: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Host": host, "Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310  our own address
    with urllib.request.urlopen(request, timeout=DELIVERY_TIMEOUT_SECONDS) as response:  # noqa: S310
        return json.load(response)


def _wait_for_delivery(url: str, host: str, key: str) -> Any:
    deadline = time.monotonic() + DELIVERY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        message = _call_api(url, host, key)
        if message["status"] in ("Delivered", "Clicked"):
            return message
        time.sleep(0.05)
    raise LinkweirError("the sample newsletter was not delivered in time")


def _read_html(mail: Path) -> str:
    message = email.message_from_bytes(mail.read_bytes(), _class=EmailMessage, policy=email.policy.default)
    page = message.get_body(("html",))
    return str(page.get_content()) if page is not None else ""


def _format_links(html: str, ring: KeyRing) -> list[str]:
    """Return a line per link of the delivered mail: destination and tracking link, or why it is not tracked."""
    lines = []
    for link in scan(html):
        try:
            opened = open_link(ring, link.destination or "")
        except BadToken:
            lines.append(f"  {link.text or '(no text)'}: left as it was ({link.destination})")
        else:
            lines.append(f"  {link.text}: {opened.destination or 'short link'}\n    {link.destination}")
    return lines
