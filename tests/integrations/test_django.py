"""Tests of linkweir.integrations.django in real Django: mails through real backends, links through its test client."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkweir import KeyFile, KeyRing, open_link, scan
from tests.integrations.django_project import configure_django, make_urls, read_examples

configure_django()
from django.core import checks, mail  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.mail.backends.locmem import EmailBackend as LocmemBackend  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.urls import include, path, reverse  # noqa: E402

from linkweir.integrations.django import link_clicked  # noqa: E402

BACKEND = "linkweir.integrations.django.EmailBackend"
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
HTML = '<p><a href="https://example.org/offer?a=1&amp;b=2">Offer</a> <a href="mailto:x@example.com">Mail</a></p>'


class StatusBackend(LocmemBackend):  # type: ignore[misc]
    """Notes a status at each message, as backends of services do."""

    def send_messages(self, messages: list[Any]) -> int:
        """Send, and note it."""
        for message in messages:
            message.status = "sent"
        count: int = super().send_messages(messages)
        return count


@pytest.fixture
def project(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A project that sends through the backend and serves the links; its value is the setting LINKWEIR."""
    setting = {"KEY_FILE": tmp_path / "keys.json", "BASE_URL": "https://shop.example/c/", "EMAIL_BACKEND": LOCMEM}
    urls = make_urls([path("c/", include("linkweir.integrations.django.urls"))])
    with override_settings(LINKWEIR=setting, EMAIL_BACKEND=BACKEND, ROOT_URLCONF=urls):
        mail.outbox = []
        yield setting


def open_first(keys: KeyFile, html: str) -> Any:
    """What the first link of a document says."""
    destination = next(iter(scan(html))).destination
    assert destination is not None
    return open_link(keys.load(), destination)


def test_mails_leave_with_tracking_links(project: dict[str, Any]) -> None:
    """HTML bodies and alternatives are rewritten in what is sent and not in the caller's message; text, a message that
    wants none, and other links stay; what the sending backend writes to the message is there.
    """
    keys = KeyFile(project["KEY_FILE"])
    project["EMAIL_BACKEND"] = f"{__name__}.StatusBackend"
    text = "text https://example.org/"
    assert mail.send_mail("Hello", text, "a@shop.example", ["b@example.com"], html_message=HTML) == 1
    first = mail.EmailMessage("Hello", HTML, "a@shop.example", ["b@example.com"])
    first.content_subtype = "html"
    first.linkweir_message = 4711
    second = mail.EmailMultiAlternatives("Hello", "text", "a@shop.example", ["b@example.com"])
    second.attach_alternative(HTML, "text/html")
    second.attach_alternative(HTML, "text/x-amp-html")
    third = mail.EmailMessage("Hello", HTML, "a@shop.example", ["b@example.com"])
    third.content_subtype, third.linkweir_tracking = "html", False
    assert mail.get_connection().send_messages([first, second, third]) == 3
    plain, html, alternatives, untracked = mail.outbox
    assert plain.body == text
    assert open_first(keys, plain.alternatives[0][0]).destination == "https://example.org/offer?a=1&b=2"
    assert (open_first(keys, html.body).message, open_first(keys, html.body).index) == (4711, 0)
    assert "mailto:x@example.com" in html.body
    assert open_first(keys, alternatives.alternatives[0][0]).message == second.linkweir_message
    assert "https://shop.example/c/" in alternatives.message().as_string().replace("=\n", "")
    assert (alternatives.alternatives[1][0], untracked.body) == (HTML, HTML)
    assert (first.body, second.alternatives[0][0], first.status, second.status) == (HTML, HTML, "sent", "sent")


def test_links_are_followed_and_signalled(project: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """From a sent mail to the click: 302, the service's headers, the signal with click and request; a receiver that
    fails is logged; unknown links are 404, other methods 405.
    """
    mail.send_mail("Hello", "text", "a@shop.example", ["b@example.com"], html_message=HTML)
    (link, _) = scan(mail.outbox[0].alternatives[0][0])
    token = str(link.destination).rpartition("/")[2]
    seen: list[Any] = []

    def fail(**_: object) -> None:
        raise OSError("disk full")

    def record(click: Any, request: Any, **_: object) -> None:
        seen.append((click.kind, click.link, click.message, click.ip, request.path))

    link_clicked.connect(fail)
    link_clicked.connect(record)
    try:
        client = Client(enforce_csrf_checks=True)
        with caplog.at_level(logging.ERROR):
            answer = client.get(f"/c/{token}")
        assert (client.post(f"/c/{token}").status_code, client.get("/c/unknown").status_code) == (405, 404)
        assert client.head(f"/c/{token[:9]}%0A{token[9:]})").headers["Location"] == answer.headers["Location"]
    finally:
        link_clicked.disconnect(fail)
        link_clicked.disconnect(record)
    assert reverse("linkweir:link", args=[token]) == f"/c/{token}"
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://example.org/offer?a=1&b=2")
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "Content-Type" not in answer.headers
    message = open_link(KeyFile(project["KEY_FILE"]).load(), str(link.destination)).message
    assert seen[0] == ("click", 0, message, "127.0.0.1", f"/c/{token}")
    assert len(seen) == 2
    assert "disk full" in caplog.text


def test_the_example_of_the_manual_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, URLs and receiver as the page shows them: a mail that is sent leads to the receiver's row."""
    settings_text, urls_text, receiver_text = read_examples("Django")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"INSTALLED_APPS": [], "BASE_DIR": tmp_path}
    exec(settings_text, names)  # noqa: S102 - our own manual
    chosen = {name: names[name] for name in ("INSTALLED_APPS", "EMAIL_BACKEND", "LINKWEIR")}
    assert chosen["LINKWEIR"].pop("EMAIL_BACKEND") == "django.core.mail.backends.smtp.EmailBackend"
    chosen["LINKWEIR"]["EMAIL_BACKEND"] = LOCMEM
    urls: dict[str, Any] = {"urlpatterns": []}
    exec(urls_text, urls)  # noqa: S102
    with override_settings(**chosen, ROOT_URLCONF=make_urls(urls["urlpatterns"])):
        mail.outbox = []
        mail.send_mail("Hello", "text", "a@shop.example", ["b@example.com"], html_message=HTML)
        assert checks.run_checks() == []
        receiver: dict[str, Any] = {}
        exec(receiver_text, receiver)  # noqa: S102
        try:
            destination = next(iter(scan(mail.outbox[0].alternatives[0][0]))).destination
            Client().get(str(destination).removeprefix("https://www.example.com"))
        finally:
            link_clicked.disconnect(receiver["count_click"])
    assert [row["link"] for row in receiver["records"]] == [0]


ERRORS = {
    "E002": ({"BASEURL": "x"}, "Did you mean 'BASE_URL'?"),
    "E003": ({"KEY_VARIABLE": "KEYS"}, "one of KEY_FILE, KEY_VARIABLE, KEY_RING, not KEY_FILE and KEY_VARIABLE"),
    "E004": ({"BASE_URL": "shop.example/c"}, "must be http:// or https://"),
    "E005": ({"EMAIL_BACKEND": BACKEND}, "would not end"),
    "E006": ({"PRIVACY": "none"}, "Allowed are full, pseudonymous, anonymous."),
}


@pytest.mark.parametrize("identifier", ERRORS)
def test_checks_name_what_is_wrong(identifier: str, project: dict[str, Any]) -> None:
    """Each mistake has its check with a hint, and the backend refuses the same with the same words."""
    change, text = ERRORS[identifier]
    assert [found.id for found in checks.run_checks()] == ["linkweir.W001"]
    project.update(change)
    found = [message for message in checks.run_checks() if message.id == f"linkweir.{identifier}"]
    assert len(found) == 1
    assert text in f"{found[0].msg} {found[0].hint}"
    with pytest.raises(ImproperlyConfigured) as error:
        mail.get_connection()
    assert str(error.value) == f"{found[0].msg} {found[0].hint} (linkweir.{identifier})"


def test_checks_read_the_keys_and_the_urls(project: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A key file, variable or text that cannot be read is an error without its secret; a base URL that nothing serves,
    or without https, is a warning; right settings have no message.
    """
    with override_settings(LINKWEIR="x"):
        assert [found.id for found in checks.run_checks()] == ["linkweir.E001"]
    KeyFile(project["KEY_FILE"]).load_or_create()
    assert checks.run_checks(include_deployment_checks=False) == []
    project["BASE_URL"] = "http://shop.example/elsewhere/"
    found = checks.run_checks(tags=["urls", "security"], include_deployment_checks=True)
    assert [message.id for message in found if message.id.startswith("linkweir")] == ["linkweir.W002", "linkweir.W003"]
    assert 'path("elsewhere/", include("linkweir.integrations.django.urls"))' in str(found)
    ring = KeyRing.generate().to_json().decode()
    project.update(KEY_FILE=None, KEY_RING=ring[:-20], BASE_URL="https://shop.example/c/")
    (broken,) = checks.run_checks()
    assert (broken.id, ring[60:90] in str(broken)) == ("linkweir.E003", False)
    project.update(KEY_RING=None, KEY_VARIABLE="LINKWEIR_TEST_KEYS")
    assert [message.id for message in checks.run_checks()] == ["linkweir.E003"]
    monkeypatch.setitem(os.environ, "LINKWEIR_TEST_KEYS", ring)
    assert checks.run_checks() == []
    other = KeyRing.from_json(ring).with_host("https://other.example/c/").to_json().decode()
    monkeypatch.setitem(os.environ, "LINKWEIR_TEST_KEYS", other)
    (foreign,) = checks.run_checks()
    assert foreign.id == "linkweir.E004"
    assert "https://shop.example/c/ is not in KeyVariable(name='LINKWEIR_TEST_KEYS'), which has" in foreign.msg


def test_another_base_url_is_noted_in_the_key_file(project: dict[str, Any]) -> None:
    """Mails leave with links on the new one, and the file knows both, so that links on either are known as such."""
    keys = KeyFile(project["KEY_FILE"])
    for base_url in ("https://shop.example/c/", "https://links.shop.example/"):
        project["BASE_URL"] = base_url
        mail.send_mail("Hello", "text", "a@shop.example", ["b@example.com"], html_message=HTML)
        assert base_url in mail.outbox[-1].alternatives[0][0]
    assert keys.load().hosts == ("https://shop.example/c/", "https://links.shop.example/")
