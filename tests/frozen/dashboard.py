"""The dashboard's pages and forms."""

from collections.abc import Callable, Iterable

import httpx

from tests.frozen.http import HTML, Recorder


def record(recorder: Recorder, ids: dict[str, str]) -> None:
    """The dashboard's pages and forms, before and after signing in; `ids` are those of a message and a webhook."""
    client = httpx.Client(base_url=recorder.service.url, timeout=60)
    with client:
        visit = _visitor(recorder, client)
        for path in ("", "/", "/sign-in", "/messages", "/nothing"):
            visit(f"stranger {path}", "GET", path)
        token = _form_token(client.get("/dashboard/sign-in").text)
        who = {"token": token, "email": recorder.service.user}
        visit("sign in wrong", "POST", "/sign-in", {**who, "password": "wrong"})
        visit("sign in without token", "POST", "/sign-in", {"email": "x", "password": "x"})
        token = _form_token(client.get("/dashboard/sign-in").text)
        visit("sign in", "POST", "/sign-in", {**who, "token": token, "password": recorder.service.password})
        one = ids["message"]
        pages = (
            "", "/", "/?period=7", "/messages", "/messages?q=person&status=Clicked", f"/messages/{one}",
            f"/messages/{one}/mail", f"/messages/{one}/clicks", f"/messages/{one}/clicks/export", "/messages/x",
            "/campaigns", "/campaign?tag=spring", "/campaign/mail?tag=spring", "/campaign/clickers?tag=spring",
            "/campaign/segment?tag=spring", "/campaign?tag=none", "/compare?tag=spring", "/compare", "/live",
            "/live/rows", "/events?tag=spring", "/link?tag=spring&position=0", "/recipient?email=person@example.org",
            "/webhooks", "/webhooks/new", f"/webhooks/{ids['webhook']}",
            f"/webhooks/{ids['webhook']}/edit", f"/webhooks/{ids['webhook']}/delete", "/webhooks/x", "/settings",
            "/check", "/export/clicks?period=7", "/export/campaigns", "/export/clickers?tag=spring", "/export/nothing",
            "/nothing",
        )  # fmt: skip
        for path in pages:
            visit(f"page {path}", "GET", path)
        token = _form_token(client.get("/dashboard/settings").text)
        for name, path, fields in _forms(ids):
            visit(f"form {name}", "POST", path, {"token": token, **fields})
            visit(f"form {name} without token", "POST", path, fields)
        visit("sign out", "POST", "/sign-out", {"token": token})
        visit("signed out", "GET", "/messages")


def _forms(ids: dict[str, str]) -> Iterable[tuple[str, str, dict[str, str]]]:
    hook = f"/webhooks/{ids['webhook']}"
    new = "11111111-2222-4333-8444-555555555555"
    yield (
        "settings",
        "/settings",
        {"track_clicks": "on", "privacy": "full", "message_data_retention": "2", "message_metadata_retention": "30"},
    )
    yield "settings wrong", "/settings", {"message_data_retention": "x", "message_metadata_retention": "30"}
    yield "zone", "/settings/zone", {"zone": "Europe/Berlin"}
    yield "host", "/settings/host", {"domain": "example.edu", "subdomain": "links"}
    yield "host wrong", "/settings/host", {"domain": "not a domain", "subdomain": "links"}
    yield "check", "/check", {"html": HTML, "from": "news@example.com"}
    yield (
        "webhook",
        "/webhooks/new",
        {"id": new, "name": "by hand", "url": "https://hooks.example.com/", "scope": "global", "on_clicked": "on"},
    )
    yield "webhook wrong", "/webhooks/new", {"id": new, "name": "by hand", "url": "nowhere", "scope": "global"}
    yield (
        "webhook edit",
        f"/webhooks/{new}/edit",
        {"name": "changed", "url": "https://hooks.example.com/", "scope": "global", "on_opened": "on"},
    )
    yield "webhook switch", f"/webhooks/{new}/switch", {"enabled": "false"}
    yield "webhook again", f"{hook}/again", {"request": new}
    yield "webhook delete", f"/webhooks/{new}/delete", {}
    yield "password wrong", "/password", {"current": "wrong", "new": "correct horse battery"}


def _visitor(recorder: Recorder, client: httpx.Client) -> Callable[..., None]:
    def visit(name: str, method: str, path: str, fields: dict[str, str] | None = None) -> None:
        headers = {"Origin": recorder.service.url} if method == "POST" else {}
        response = client.request(method, f"/dashboard{path}", data=fields, headers=headers)
        is_page = response.headers.get("content-type", "").startswith("text/html")
        recorder.record(f"{name}", response, "page" if is_page else "lines" if "/export" in path else "none")

    return visit


def _form_token(page: str) -> str:
    return page.partition('name="token" value="')[2].partition('"')[0]
