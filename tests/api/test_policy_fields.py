"""Every wish about tracking, asked for by account, domain, message and recipient, and what it changes in the mail."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from linkweir.tokens.opener import open_link
from tests.web.running_service import RunningService, html_body, random_uuid

URL_A, URL_B, QUIET_URL, MSO_URL = (f"https://example.com/{name}" for name in ("a", "b", "quiet", "mso"))
PAGE = (
    f'<body><a href="{URL_A}">a</a><a href="{URL_B}">b</a><a data-quiet href="{QUIET_URL}">q</a>'
    f'<!--[if mso]><a href="{MSO_URL}">m</a><![endif]--></body>'
)
DEFAULT_PREFERENCES: dict[str, Any] = {
    **{"track_clicks": True, "track_opens": False, "privacy": "full", "link_style": "sealed"},
    **{"opt_out": False, "skip": False, "outlook": False, "honeypot": False, "utm": ""},
}
PREFERENCES: dict[str, tuple[Any, Any]] = {  # what is asked for, and what is seen of it then
    "track_clicks": (True, True),
    "track_opens": (True, True),
    "privacy": ("pseudonymous", "pseudonymous"),
    "link_style": ("short", "short"),
    "opt_out": (["data-quiet"], True),
    "skip": (["/b$"], True),
    "outlook": (True, True),
    "honeypot": (True, True),
    "utm": (
        {"source": "s", "medium": "m", "campaign": "c", "term": "t", "content": "o", "hosts": ["example.com"]},
        "utm_source=s&utm_medium=m&utm_campaign=c&utm_term=t&utm_content=o",
    ),
}


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file, that lets a client ask often."""
    with RunningService(tmp_path_factory.mktemp("wishes") / "data", rate_limit=1e6, rate_burst=10**6) as service:
        yield service


@contextmanager
def set_account_preference(service: RunningService, preference: dict[str, Any]) -> Iterator[None]:
    """The account wishes this, for a while."""
    changed = service.client.put(service.account_path, json=preference)
    assert changed.json().items() >= preference.items(), changed.text
    try:
        yield
    finally:
        back = {name: False if name in ("track_clicks", "track_opens") else None for name in preference}
        service.client.put(service.account_path, json=back).raise_for_status()


def observe_mail(service: RunningService, **fields: Any) -> dict[str, Any]:
    """What of all wishes is seen in the mail that a message with these fields becomes."""
    (entry,) = service.send(html_content=PAGE, **fields)
    page = html_body(service.wait_for_mail(entry["id"]))
    hrefs = re.findall(r'<a [^>]*?href="([^"]*)"', page)
    first, second, quiet, mso = (href for href in hrefs if "display:none" not in page.partition(href)[2][:30])
    tracked = first.startswith(service.settings.base_url)
    opened = open_link(service.components.keyring, first) if tracked else None
    query = service.reader.get(first).headers["location"] if tracked else first
    return {
        "track_clicks": tracked,
        "track_opens": "<img" in page,
        "privacy": str(opened.privacy.value) if opened else "full",
        "link_style": opened.style if opened else "sealed",
        "opt_out": quiet == QUIET_URL and tracked,
        "skip": second == URL_B and tracked,
        "outlook": mso != MSO_URL,
        "honeypot": "display:none" in page,
        "utm": query.partition("?")[2],
    }


@pytest.mark.parametrize("level", ["account", "domain", "message"])
@pytest.mark.parametrize("name", PREFERENCES)
def test_a_preference_changes_its_own_effect_only(service: RunningService, name: str, level: str) -> None:
    """Account, domain and message each get what they wish for, and nothing else of the mail changes."""
    asked, shown = PREFERENCES[name]
    domain, untracked = f"{random_uuid()}.example", name == "track_clicks"
    fields: dict[str, Any] = {
        "from": {"email": f"a@{domain}"},
        "tracking": None if untracked else {"click": True},
    }
    before = observe_mail(service, **fields)
    assert before == {**DEFAULT_PREFERENCES, "track_clicks": not untracked}
    if level == "account":
        with set_account_preference(service, {name: asked}):
            after = observe_mail(service, **fields)
    elif level == "domain":
        created = service.client.post(f"{service.account_path}/domains", json={"domain": domain, name: asked})
        assert created.json()[name] == asked
        after = observe_mail(service, **fields)
    else:
        own = {"track_clicks": {"click": True}, "track_opens": {"click": True, "open": True}}.get(name)
        after = observe_mail(service, **{**fields, **({"tracking": own} if own else {name: asked})})
    assert after == {**before, name: shown}


@pytest.mark.parametrize(
    ("wish", "name", "shown"),
    [
        ({"tracking": {"click": False}}, "track_clicks", False),
        ({"tracking": {"open": True}}, "track_opens", True),
        ({"privacy": "pseudonymous"}, "privacy", "pseudonymous"),
    ],
)
def test_a_recipients_preference_applies_to_their_mail(
    service: RunningService, wish: dict[str, Any], name: str, shown: Any
) -> None:
    """A recipient's own wish wins over the message's in their mail, and changes nothing in another's."""
    people = [{"email": "a@example.org", **wish}, {"email": "b@example.org"}]
    assert observe_mail(service, recipients=people[:1]) == {**DEFAULT_PREFERENCES, name: shown}
    mine, others = service.send(html_content=PAGE, recipients=people)
    pages = [re.sub(r"/c/[\w-]+", "", html_body(service.wait_for_mail(entry["id"]))) for entry in (others, mine)]
    assert pages[0] == re.sub(
        r"/c/[\w-]+", "", html_body(service.wait_for_mail(service.send(html_content=PAGE)[0]["id"]))
    )
    assert (pages[0] != pages[1]) is (name != "privacy")


DISABLED_PREFERENCES = {
    name: None if name == "utm" else value
    for name, value in DEFAULT_PREFERENCES.items()
    if name not in ("opt_out", "skip", "outlook")
}
DRY_RUN_CASES: list[
    tuple[dict[str, Any], dict[str, Any], list[str]]
] = [  # asked for, seen of the policy and of the links
    ({}, {}, ["tracked"] * 3),
    ({"privacy": "pseudonymous"}, {"privacy": "pseudonymous"}, ["tracked"] * 3),
    ({"link_style": "short"}, {"link_style": "short"}, ["tracked"] * 3),
    ({"opt_out": ["data-quiet"]}, {}, ["tracked", "tracked", "opted-out"]),
    ({"skip": ["/b$"]}, {}, ["tracked", "skipped", "tracked"]),
    ({"outlook": True}, {}, ["tracked"] * 4),
    ({"honeypot": True}, {"honeypot": True}, ["tracked"] * 3),
    ({"utm": {"source": "s", "hosts": ["a.b"]}}, {"utm": {"source": "s", "hosts": ["a.b"]}}, ["tracked"] * 3),
    ({"tracking": {"click": False}}, {"track_clicks": False}, ["tracked"] * 3),
    ({"tracking": {"click": True, "open": True}}, {"track_opens": True}, ["tracked"] * 3),
    ({"tracking": None, "headers": {"AhaSend-Track-Opens": "1"}}, {"track_clicks": False}, ["tracked"] * 3),
    ({"headers": {"AhaSend-Track-Opens": "true"}}, {"track_opens": True}, ["tracked"] * 3),
    ({"html_content": "<p>none</p>"}, {}, []),
    ({"from": {"email": "a@checked.example"}}, {"honeypot": True}, ["tracked", "skipped", "tracked"]),
]


@pytest.mark.parametrize(("asked", "policy", "outcomes"), DRY_RUN_CASES)
def test_the_dry_run_heeds_every_field(
    service: RunningService, asked: dict[str, Any], policy: dict[str, Any], outcomes: list[str]
) -> None:
    """Each field of `check` is seen in the policy that it answers with or in the outcomes, and nothing else changes."""
    wish = {"domain": "checked.example", "honeypot": True, "skip": ["/b$"]}
    assert service.client.post(f"{service.account_path}/domains", json=wish).status_code in (201, 409)
    body = {"html_content": PAGE, "tracking": {"click": True}, **asked}
    answer = service.client.post(f"{service.account_path}/check", json=body).json()
    assert {name: answer[name] for name in DISABLED_PREFERENCES} == {**DISABLED_PREFERENCES, **policy}
    assert [item["outcome"] for item in answer["data"]] == outcomes
