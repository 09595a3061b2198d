"""Exchanges over HTTP: the API's operations, the redirect, and what needs no key."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from tests.frozen.normalize import Normalizer, without_texts
from tests.frozen.page import faces_of
from tests.frozen.service import Service

UNSAID = ("date", "content-length")  # headers that say nothing but the moment or the length of a text
TEXT_KEYS = frozenset({"log", "error", "errors", "message", "reason", "note", "notes", "text", "sentence", "why"})
METHODS = ("get", "put", "post", "delete", "patch")
Recording = dict[str, Any]


class Recorder:
    """Makes requests and records each under its name: status, headers, and the body as JSON."""

    def __init__(self, service: Service, normalizer: Normalizer) -> None:
        self.service = service
        self.normalizer = normalizer
        self.exchanges: Recording = {}
        self.base = f"/v2/accounts/{service.account}"
        self.authorization = {"Authorization": f"Bearer {service.key}"}
        document = service.client.get("/openapi.json").json()
        names = [f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations]
        self._operations = {name: re.sub(r"\\{\w+\\}", "[^/]+", re.escape(name).replace(r"\_", "_")) for name in names}

    def api(self, name: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request to API v2 below the account; the answer's JSON."""
        sent = self.authorization | {key.replace("_", "-"): text for key, text in headers.items()}
        response = self.service.client.request(method, self.base + path, json=body, headers=sent)
        while response.status_code == 429:  # an erasure that took long on a busy machine is followed by a pause
            time.sleep(float(response.headers["retry-after"]))
            response = self.service.client.request(method, self.base + path, json=body, headers=sent)
        self.record(name, response)
        return response.json() if response.headers.get("content-type") == "application/json" else None

    def request(self, name: str, method: str, path: str, shape: str = "none", **options: Any) -> httpx.Response:
        """Any other request; `shape` says what of the body is kept: none, text, json, page."""
        response = self.service.client.request(method, path, **options)
        self.record(name, response, shape)
        return response

    def record(self, name: str, response: httpx.Response, shape: str = "") -> None:
        """Keep an answer."""
        name = self.normalizer.text(name)
        assert name not in self.exchanges, name
        kind = response.headers.get("content-type", "").partition(";")[0]
        entry: Recording = {
            **self._operation(response.request),
            "status": response.status_code,
            "headers": {key: item for key, item in sorted(response.headers.multi_items()) if key not in UNSAID},
        }
        shape = shape or ("json" if kind == "application/json" else "text" if response.content else "none")
        if shape == "json":
            failed = response.status_code >= 400
            entry["json"] = without_texts(response.json(), None if failed else TEXT_KEYS)
        elif shape == "lines":
            entry["lines"] = response.text.splitlines()
        elif shape == "page":
            entry["page"] = faces_of(response.text)
        elif shape == "text":
            entry["text"] = response.text
        if shape == "json" and entry["headers"].get("content-type") == "application/json":
            del entry["headers"]["content-type"]  # as `json` says
        if "allow" in response.headers:
            entry["headers"]["allow"] = ", ".join(sorted(response.headers["allow"].split(", ")))
        cookies = [re.sub(r"=[^;]+", "=<value>", item, count=1) for item in response.headers.get_list("set-cookie")]
        if cookies:
            entry["headers"]["set-cookie"] = cookies
        self.exchanges[name] = self.normalizer.value(entry)

    def _operation(self, request: httpx.Request) -> dict[str, str]:
        """The operation of the OpenAPI document that was asked for, if it is one."""
        for name, pattern in self._operations.items():
            if re.fullmatch(pattern, f"{request.method} {request.url.raw_path.decode().partition('?')[0]}"):
                return {"operation": name}
        return {}


HTML = (
    '<p><a href="https://example.com/a?x=1&amp;y=2">one</a> <a href="https://example.org/b">two</a> '
    '<a href="mailto:ada@example.org">mail</a> <a href="https://example.com/c" data-no-track>three</a></p>'
)


def message(recipient: str, **fields: Any) -> dict[str, Any]:
    """A request to send."""
    return {
        "from": {"email": "news@example.com", "name": "News"},
        "recipients": [{"email": recipient, "name": "Reader", "attributes": {"plan": "free"}, "variant": "a"}],
        "subject": "Hello",
        "html_content": HTML,
        "tracking": {"click": True, "open": True},
        "tags": ["spring"],
        **fields,
    }


def record_refusals(recorder: Recorder, weak_key: str) -> None:
    """Each operation without a key, and with one whose scopes do not reach."""
    document = recorder.service.client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        known = recorder.service.account
        address = path.replace("{account_id}", known).replace("{email}", "nobody%40example.org")
        address = re.sub(r"\{[a-z_]+\}", "00000000-0000-4000-8000-000000000001", address)
        for method in (operation for operation in operations if operation in METHODS):
            for name, headers in (("no key", {}), ("weak key", _weak(path, weak_key))):
                response = recorder.service.client.request(
                    method, address, headers=headers, json={} if method in ("put", "post") else None
                )
                recorder.record(f"{method.upper()} {path}: {name}", response)


def _weak(path: str, key: str) -> dict[str, str]:
    return {"X-Api-Key": key} if path.startswith("/v1/") else {"Authorization": f"Bearer {key}"}


def record_resources(recorder: Recorder) -> str:
    """Account, domains, keys and credentials: made, read, changed, removed, and refused. Gives a key of one scope."""
    api = recorder.api
    recorder.request("ping", "GET", "/v2/ping", "json", headers=recorder.authorization)
    recorder.request("unknown path", "GET", "/v2/nothing", "json", headers=recorder.authorization)
    recorder.request("wrong method", "PATCH", recorder.base, "json", headers=recorder.authorization)
    api("account get", "GET", "")
    api("account put", "PUT", "", {"name": "Example", "website": "https://example.com/", "confirm": ["docs.example"]})
    api("account put wrong type", "PUT", "", {"track_clicks": "yes"})
    recorder.request(
        "account of others", "GET", f"/v2/accounts/{'0' * 8}-0000-4000-8000-{'0' * 12}", "json",
        headers=recorder.authorization,
    )  # fmt: skip
    new: dict[str, dict[str, Any]] = {
        "domains": {
            "domain": "example.net",
            "tracking_subdomain": "go",
            "privacy": "pseudonymous",
            "skip": ["private"],
        },
        "api-keys": {"label": "shop", "scopes": ["messages:send:{example.com}"], "ip_allow_list": ["192.0.2.0/24"]},
        "smtp-credentials": {"name": "shop", "scope": "scoped", "domains": ["example.com"], "sandbox": True},
        "corrections": {"destination": "https://example.net/old", "replacement": "https://example.net/new"},
    }
    changes: dict[str, dict[str, Any]] = {
        "domains": {"track_clicks": True, "utm": {"source": "mail"}},
        "api-keys": {"label": "store", "ip_allow_list": []},
    }
    for kind, body in new.items():
        created = api(f"{kind} create", "POST", f"/{kind}", body, Idempotency_Key=f"make-{kind}")
        api(f"{kind} create again", "POST", f"/{kind}", body, Idempotency_Key=f"make-{kind}")
        api(f"{kind} create other body", "POST", f"/{kind}", {**body, "x": 1}, Idempotency_Key=f"make-{kind}")
        api(f"{kind} create nothing", "POST", f"/{kind}", {})
        one = f"/{kind}/{created['id']}"
        api(f"{kind} get", "GET", one)
        if kind in changes:
            api(f"{kind} put", "PUT", one, changes[kind])
            api(f"{kind} put wrong", "PUT", one, {"label": 1, "tracking_subdomain": 1})
        if kind == "domains":
            api("domains check", "POST", f"{one}/check")
        api(f"{kind} list", "GET", f"/{kind}?limit=1")
        api(f"{kind} list wrong", "GET", f"/{kind}?limit=0")
        other = api(f"{kind} create other", "POST", f"/{kind}", _other(body))
        api(f"{kind} delete", "DELETE", f"/{kind}/{other['id']}")
        api(f"{kind} delete again", "DELETE", f"/{kind}/{other['id']}")
        api(f"{kind} get unknown", "GET", f"/{kind}/{other['id']}")
    api("domains create twice", "POST", "/domains", new["domains"])
    weak = api("weak key", "POST", "/api-keys", {"label": "weak", "scopes": ["messages:read:{example.edu}"]})
    return str(weak["secret_key"] if "secret_key" in weak else weak["secret"])


def _other(body: dict[str, Any]) -> dict[str, Any]:
    return {key: {"example.net": "example.edu", "go": "to"}.get(str(one), one) for key, one in body.items()}


def record_webhooks(recorder: Recorder, url: str) -> str:
    """Webhooks: made, read, changed, removed, and refused. Gives the secret of the one that stays."""
    api = recorder.api
    asked = ("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked")
    body = {"name": "all", "url": url, "scope": "global", **{f"on_{kind}": True for kind in asked}}
    created = api("webhooks create", "POST", "/webhooks", body)
    other = {"name": "some", "url": "https://hooks.example.com/x", "scope": "scoped", "domains": ["example.net"]}
    second = api("webhooks create scoped", "POST", "/webhooks", {**other, "enabled": False})
    api("webhooks create nothing", "POST", "/webhooks", {})
    api("webhooks create wrong address", "POST", "/webhooks", {**other, "url": "ftp://example.com/"})
    api("webhooks get", "GET", f"/webhooks/{second['id']}")
    api("webhooks put", "PUT", f"/webhooks/{second['id']}", {"name": "fewer", "on_clicked": True})
    api("webhooks put wrong", "PUT", f"/webhooks/{second['id']}", {"enabled": "no"})
    api("webhooks list", "GET", "/webhooks?enabled=true&on_clicked=true")
    api("webhooks list wrong", "GET", "/webhooks?enabled=maybe")
    api("webhooks delete", "DELETE", f"/webhooks/{second['id']}")
    api("webhooks get unknown", "GET", f"/webhooks/{second['id']}")
    return str(created["secret"])


def record_sending(recorder: Recorder) -> dict[str, str]:
    """Messages of each kind. Gives the Message-ID of each that is sent, by the name of its recipient."""
    api = recorder.api
    sent: dict[str, str] = {}

    def send(name: str, recipient: str, **fields: Any) -> None:
        answer = api(f"send {name}", "POST", "/messages", message(recipient, **fields))
        sent[name] = answer["data"][0]["id"]

    for name in ("person", "head", "bot", "prefetch", "quiet", "erased"):
        send(name, f"{name}@example.org")
    send("short", "short@example.org", link_style="short", utm={"source": "mail", "campaign": "spring"})
    send("anonymous", "anonymous@example.org", privacy="anonymous")
    send("pseudonymous", "pseudonymous@example.org", privacy="pseudonymous", honeypot=True)
    send("untracked", "untracked@example.org", tracking={"click": False, "open": False})
    host: dict[str, Any] = {"from": {"email": "news@example.net"}}
    send("host", "host@example.org", text_content="See https://example.com/text", **host)
    for result in ("deliver", "bounce", "defer", "fail", "suppress"):
        send(f"sandbox {result}", f"{result}@example.org", sandbox=True, sandbox_result=result)
    files = [{"data": "aGVsbG8=", "base64": True, "content_type": "text/plain", "file_name": "a.txt"}]
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    send("scheduled", "scheduled@example.org", schedule={"first_attempt": later}, attachments=files)
    api("cancel", "DELETE", f"/messages/{quote(sent['scheduled'], safe='')}/cancel")
    api("cancel again", "DELETE", f"/messages/{quote(sent['scheduled'], safe='')}/cancel")
    two = [{"email": "one@example.org", "substitutions": {"first_name": "Ada"}}, {"email": "not an address"}]
    template: dict[str, Any] = {
        "recipients": two,
        "subject": "Hi {{ first_name }}",
        "html_content": "<a href='https://example.com/'>{{ first_name }}</a>",
    }
    send("template", "", **template, substitutions={"first_name": "friend"})
    body = message("once@example.org", text_content="Hello", html_content=None, headers={"X-Own": "1"})
    api("send once", "POST", "/messages", body, Idempotency_Key="once")
    api("send once again", "POST", "/messages", body, Idempotency_Key="once")
    api("send once otherwise", "POST", "/messages", {**body, "subject": "Other"}, Idempotency_Key="once")
    api("send nothing", "POST", "/messages", {})
    api("send wrong type", "POST", "/messages", message("ada@example.org", tags="spring"))
    api("send past", "POST", "/messages", message("a@example.org", schedule={"first_attempt": "2020-01-01T00:00:00Z"}))
    recorder.request(
        "send broken JSON", "POST", f"{recorder.base}/messages", "json", headers=recorder.authorization, content=b"{"
    )
    _record_older_api(recorder)
    return sent


def _record_older_api(recorder: Recorder) -> None:
    content = {"subject": "Older", "html_body": HTML, "headers": {"ahasend-track-clicks": "true"}}
    body = {
        "from": {"email": "news@example.com"},
        "recipients": [{"email": "older@example.org"}, {"email": "wrong"}],
        "content": content,
    }
    for name, key, sent in (
        ("v1 send", recorder.service.key, body),
        ("v1 bad key", "nothing", body),
        ("v1 nothing", recorder.service.key, {}),
    ):
        recorder.request(name, "POST", "/v1/email/send", "json", json=sent, headers={"X-Api-Key": key})


BROWSER = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
BOT = {"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}


def record_redirects(recorder: Recorder, links: dict[str, list[str]]) -> None:
    """Links followed as people, scanners and prefetching browsers do; `links` has the links of each mail."""

    def follow(name: str, link: str, method: str = "GET", address: str = "203.0.113.7", **headers: str) -> None:
        scheme, _, rest = link.partition("://")
        host, _, path = rest.partition("/")
        given = {**BROWSER, "Host": host, "X-Forwarded-For": address, "X-Forwarded-Proto": scheme, **headers}
        recorder.request(f"follow {name}", method, f"/{path}", "none", headers=given)

    follow("person", links["person"][0])
    follow("head", links["head"][0], "HEAD", "203.0.113.8")
    follow("bot", links["bot"][0], address="203.0.113.9", **BOT)
    follow("prefetch", links["prefetch"][0], address="203.0.113.10", **{"Sec-Purpose": "prefetch"})
    follow("short", links["short"][0], address="203.0.113.11")
    follow("anonymous", links["anonymous"][0], address="203.0.113.12")
    follow("pseudonymous", links["pseudonymous"][0], address="203.0.113.13")
    follow("erased", links["erased"][0], address="203.0.113.14")
    follow("host", links["host"][0], address="2001:db8::1")
    for method in ("POST", "PUT", "OPTIONS"):
        follow(method, links["quiet"][0], method, "203.0.113.20")
    follow("pixel", links["person pixel"][0])
    follow("pixel head", links["head pixel"][0], "HEAD", "203.0.113.8")
    follow("unknown", "https://t.example.com/c/AAAAAAAA")
    follow("changed", links["person"][0][:-1] + ("A" if links["person"][0][-1] != "A" else "B"))
    follow("no token", "https://t.example.com/c/")


def record_pages(recorder: Recorder) -> None:
    """What needs no key: pages for readers and for machines."""
    for path in (
        "/privacy",
        "/",
        "/nothing",
        "/.well-known/apple-app-site-association",
        "/.well-known/assetlinks.json",
    ):
        recorder.request(f"page {path}", "GET", path, "page", headers={"Host": "t.example.com"})
    recorder.request("page /tls/ask known", "GET", "/tls/ask?domain=go.example.net")
    recorder.request("page /tls/ask unknown", "GET", "/tls/ask?domain=no.example.net")
    recorder.request("page /openapi.json", "GET", "/openapi.json")
    recorder.request("page /healthz", "GET", "/healthz", "text")
    recorder.request("page /readyz", "GET", "/readyz", "json")
    recorder.request("API at a domain's host", "GET", "/v2/ping", "none", headers={"Host": "go.example.net"})
    metrics = recorder.service.client.get("/metrics")
    names = sorted(set(re.findall(r"^# TYPE (\S+ \S+)$", metrics.text, re.MULTILINE)))
    recorder.record("page /metrics", metrics, "none")
    recorder.exchanges["metrics"] = names


def record_reading(recorder: Recorder, sent: dict[str, str]) -> None:
    """What became of the messages, and what was counted."""
    api = recorder.api
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    first, last = (quote((hour + timedelta(hours=step)).isoformat()) for step in (0, 1))
    span = f"from_time={first}&to_time={last}"
    for name, message_id in sent.items():
        api(f"message {name}", "GET", f"/messages/{quote(message_id, safe='')}")
    one = f"/messages/{quote(sent['person'], safe='')}"
    nobody = "/messages/00000000-0000-7000-8000-000000000001"
    for what in ("", "/clicks", "/links"):
        api(f"message{what} unknown", "GET", nobody + what)
    api("cancel unknown", "DELETE", f"{nobody}/cancel")
    for name in ("person", "bot", "prefetch", "pseudonymous", "short"):
        api(f"message clicks {name}", "GET", f"/messages/{quote(sent[name], safe='')}/clicks")
        api(f"message links {name}", "GET", f"/messages/{quote(sent[name], safe='')}/links")
    api("message clicks wrong", "GET", f"{one}/clicks?limit=x")
    api("messages first page", "GET", "/messages?limit=2&sender=news@example.com")
    api("messages filtered", "GET", "/messages?recipient=person@example.org&status=Clicked&tags=spring")
    api("messages wrong", "GET", "/messages?from_time=yesterday")
    api("check", "POST", "/check", {"html_content": HTML, "tracking": {"click": True}})
    api("check nothing", "POST", "/check", {})
    for kind in ("hour", "day", "week", "month"):
        api(f"deliverability {kind}", "GET", f"/statistics/transactional/deliverability?{span}&group_by={kind}")
    api("deliverability wrong", "GET", "/statistics/transactional/deliverability?group_by=year")
    dimensions = ("hour", "day", "link", "destination", "tag", "sender_domain", "recipient_domain", "country",
                  "device", "client")  # fmt: skip
    for kind in dimensions:
        api(f"clicks by {kind}", "GET", f"/statistics/clicks?{span}&group_by={kind}")
    api("clicks by nothing known", "GET", "/statistics/clicks?group_by=mood")
    for what, more in (("campaigns", ""), ("variants", "&tag=spring"), ("clickers", "&tag=spring")):
        api(f"statistics {what}", "GET", f"/statistics/{what}?{span}{more}")
        api(f"statistics {what} wrong", "GET", f"/statistics/{what}?limit=x&from_time=x")
    for kind in ("csv", "ndjson"):
        response = recorder.service.client.get(
            f"{recorder.base}/clicks/export?{span}&format={kind}", headers=recorder.authorization
        )
        recorder.record(f"clicks export {kind}", response, "lines")
    api("clicks export wrong", "GET", "/clicks/export?format=xls")
    api("recipient", "GET", "/recipients/prefetch%40example.org")
    api("recipient wrong", "GET", "/recipients/nobody")
    api("recipient erase", "DELETE", "/recipients/erased%40example.org")
    api("recipient erase again", "DELETE", "/recipients/erased%40example.org")
    api("recipient erase wrong", "DELETE", "/recipients/nobody")
