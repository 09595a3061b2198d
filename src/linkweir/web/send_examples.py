"""Examples of a first mail over the HTTP API, with an account and a key filled in: as curl commands and in Python."""

import json
import shlex
from typing import Any

SAMPLE_REQUEST: dict[str, Any] = {
    "from": {"email": "news@example.com", "name": "Example"},
    "recipients": [{"email": "reader@example.org", "name": "Reader"}],
    "subject": "Hello",
    "html_content": '<p>Read <a href="https://example.com/news?id=1">the news</a>.</p>',
    "tracking": {"click": True},
}


def messages_url(url: str, account: str) -> str:
    """Return where messages of an account are sent and read, for a service at `url`."""
    return f"{url}/v2/accounts/{account}/messages"


def format_curl_send(url: str, account: str, key: str) -> str:
    """Return a curl command that sends a message."""
    fields = ",\n       ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in SAMPLE_REQUEST.items())
    return (
        f"curl -sS {messages_url(url, account)} \\\n  -H {_authorization(key)} \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote('{' + fields + '}')}"
    )


def format_curl_get(url: str, account: str, key: str) -> str:
    """Return a curl command that gets a message."""
    return f"curl -sS {messages_url(url, account)}/ID \\\n  -H {_authorization(key)}"


def format_python_send(url: str, account: str, key: str) -> str:
    """Return a Python program that sends a message and prints its id; it needs httpx."""
    body = "".join(f"        {name!r}: {value!r},\n" for name, value in SAMPLE_REQUEST.items())
    return (
        "import httpx\n\nresponse = httpx.post(\n"
        f"    {messages_url(url, account)!r},\n"
        f"    headers={{'Authorization': {f'Bearer {key}'!r}}},\n"
        f"    json={{\n{body}    }},\n"
        ")\nresponse.raise_for_status()\nprint(response.json()['data'][0]['id'])"
    )


def _authorization(key: str) -> str:
    return shlex.quote(f"Authorization: Bearer {key}")
