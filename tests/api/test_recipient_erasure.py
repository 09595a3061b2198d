"""Tests of export and erasure: everything on one person is handed out, and then found in no byte of the data folder."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from sqlalchemy import func, insert, select

from linkweir.accounts.account_lookup import account_from_row
from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.clock import now
from linkweir.db import accounts_table, person_data, schema
from linkweir.mail.raw_submission import RawMail
from tests.privacy.test_erasure_lock import hold_lock
from tests.web.running_service import WAIT_SECONDS, RunningService, wait_until

EMAIL, NAME, IP, AGENT = "Ada.Lovelace+x@example.org", "Adelaide Tester", "198.51.100.77", "Agent-of-Ada/9.9"
LINKS = (
    '<p>{{ who }} <a href="https://example.com/all">all</a> <a href="https://example.com/u?m={{ mail }}">you</a></p>'
)


@pytest.fixture
def service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service that believes this machine's word on who its readers are."""
    with RunningService(
        tmp_path / "data", trusted_proxies=_loopback_network(), statistics_rate=1e6, statistics_burst=10**6
    ) as service:
        yield service


def _loopback_network() -> tuple[Any, ...]:
    import ipaddress

    return (ipaddress.ip_network("127.0.0.0/8"),)


def make_recipient(email: str, name: str, customer: str) -> dict[str, Any]:
    """A recipient with everything that can be personal."""
    return {
        "email": email,
        "name": name,
        "substitutions": {"who": name, "mail": quote(email)},
        "attributes": {"customer": customer, "plan": "pro"},
    }


def send_mails(service: RunningService, style: str, key: str) -> list[str]:
    """A mail to the person and one to somebody else; their ids."""
    body = {
        "from": {"email": "news@example.com"},
        "recipients": [
            make_recipient(EMAIL, NAME, "number-4711"),
            make_recipient("bob@example.org", "Bob", "number-12"),
        ],
        "subject": "Hello {{ who }}",
        "html_content": LINKS,
        "tracking": {"click": True},
        "link_style": style,
        "tags": ["spring"],
        "retention": {"data": 5},
    }
    response = service.post_message(body, **{"Idempotency-Key": key})
    assert response.status_code == 202, response.text
    return [entry["id"] for entry in response.json()["data"]]


def follow_link(service: RunningService, link: str) -> int:
    """Follow a link as the person would."""
    headers = {"User-Agent": AGENT, "X-Forwarded-For": IP}
    return service.reader.get(urlsplit(link).path, headers=headers, follow_redirects=False).status_code


def find_remaining_files(folder: Path, *words: str) -> dict[str, list[str]]:
    """The files in which one of these words stands, in any letter case, as it is or percent-encoded."""
    expected = {form.lower().encode() for word in words for form in (word, quote(word, safe=""), quote(word))}
    result: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes().lower()
            hits = [word.decode() for word in expected if word in data]
            if hits:
                result[str(path.relative_to(folder))] = hits
    return result


def wait_until_stored(service: RunningService, clicks: int) -> None:
    """Wait until so many clicks are in the database."""

    def count() -> int:
        with service.components.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(schema.clicks)) or 0

    wait_until(lambda: count() >= clicks)


def send_and_click(service: RunningService) -> list[str]:
    """Send in both styles, follow every link, wait until it is all recorded; the links of the person."""
    hook = {
        "name": "x",
        "url": "https://hooks.example.com/",
        "scope": "global",
        "on_clicked": True,
        "on_delivered": True,
    }
    assert service.client.post(f"{service.account_path}/webhooks", json=hook).status_code == 201
    links: list[str] = []
    for index, style in enumerate(("sealed", "short")):
        ada, bob = send_mails(service, style, f"key-{style}")
        mine, others = service.delivered_links(ada), service.delivered_links(bob)
        assert [follow_link(service, link) for link in mine] == [302, 302]
        assert service.reader.get(urlsplit(others[0]).path, follow_redirects=False).status_code == 302
        wait_until_stored(service, 3 * (index + 1))
        links += mine
    wait_until(lambda: not count_pending_notifications(service))
    return links


def count_pending_notifications(service: RunningService) -> int:
    """How many clicks still wait for their webhook requests, which change their rows."""
    with service.components.database.read() as connection:
        pending = select(func.count()).select_from(schema.clicks).where(schema.clicks.c.tell_at.is_not(None))
        return connection.scalar(pending) or 0


def other_recipient_rows(service: RunningService) -> list[dict[str, Any]]:
    """What is stored on the other one, but for requests to webhooks, which are tried again meanwhile."""
    path = f"{service.account_path}/recipients/bob@example.org"
    result = service.request_when_allowed("GET", path).json()["messages"]
    return [{**item, "outbox": len(item["outbox"])} for item in result]


def erase_recipient(service: RunningService, email: str) -> dict[str, Any]:
    """DELETE …/recipients/{email}."""
    path = f"{service.account_path}/recipients/{quote(email, safe='')}"
    report: dict[str, Any] = service.request_when_allowed("DELETE", path).json()
    return report


def test_everything_is_handed_out(service: RunningService) -> None:
    """The export has every message with its mail, events, clicks and links, whatever the letter case asked for."""
    send_and_click(service)
    answer = service.client.get(f"{service.account_path}/recipients/{quote(EMAIL.upper(), safe='')}")
    assert answer.status_code == 200
    result = answer.json()["messages"]
    assert [item["recipient"] for item in result] == [EMAIL, EMAIL]
    assert {item["attributes"]["customer"] for item in result} == {"number-4711"}
    assert all(NAME in item["contents"][0]["raw"] for item in result)
    assert {click["ip"] for item in result for click in item["clicks"]} == {IP}
    assert {click["user_agent"] for item in result for click in item["clicks"]} == {AGENT}
    assert sorted(len(item["links"]) for item in result) == [0, 2]
    assert "delivered" in {event["kind"] for item in result for event in item["events"]}
    assert "bob@" not in answer.text
    assert service.client.get(f"{service.account_path}/recipients/nobody@example.org").json()["messages"] == []


def test_nothing_remains_after_erasing(service: RunningService, dialect: str) -> None:
    """After sending, clicking and erasing no file of the data folder holds the address, the name, the IP address, the
    user agent or the customer's number, in the database's free pages and its log neither. What a server of PostgreSQL
    holds is another matter.
    """
    links = send_and_click(service)
    data = service.settings.data
    words = (EMAIL, NAME, IP, AGENT, "number-4711")
    assert len(find_remaining_files(data, *words)) >= 2  # the test would see them
    done = erase_recipient(service, EMAIL.swapcase())
    assert find_remaining_files(data, *words) == {}
    assert (done["messages"], done["mails"], done["replies"]) == (2, 2, 2)
    assert done["overwritten"] or dialect == "postgresql"
    assert [follow_link(service, link) for link in links[2:]] == [410, 410]
    assert [follow_link(service, link) for link in links[:2]] == [
        302,
        302,
    ]  # sealed ones still lead on, without a trace
    wait_until_stored(service, 4)
    with service.components.database.write() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.erased_messages)) == 2
    service.components.database.vacuum()
    assert find_remaining_files(data, *words) == {}


def test_others_lose_nothing(service: RunningService) -> None:
    """Somebody else's messages, clicks and links are as before, and so are all sums but those along what may single
    out a person: there the erased one no longer counts, also when the sums are made anew.
    """
    send_and_click(service)

    def ask(path: str) -> Any:
        return service.client.get(f"{service.account_path}/statistics/{path}").json()["data"]

    kept = ("clicks?tag=spring", "clicks?group_by=device", "clicks?group_by=tag", "campaigns?tags=spring")
    before, sums = other_recipient_rows(service), [ask(path) for path in kept]
    assert sum(row["total"] for row in sums[0]) == 6
    erase_recipient(service, EMAIL)
    assert other_recipient_rows(service) == before
    assert [ask(path) for path in kept] == sums
    rebuild_aggregates(service.components.database, 1, lambda _what, _count: True)
    assert [ask(path) for path in kept] == sums
    for group, expected in (("attribute:customer", "number-12"), ("attribute:plan", "pro")):
        assert [(row["value"], row["total"], row["sent"]) for row in ask(f"clicks?group_by={group}")] == [
            (expected, 2, 2)
        ]
    assert [row["value"] for row in ask("clicks?group_by=destination")] == ["https://example.com/all"]


def test_a_sent_message_is_not_sent_again(service: RunningService) -> None:
    """The same request made again after erasure is answered, without the person, and not carried out again."""
    ids = send_mails(service, "sealed", "once")
    service.wait_for_mail(ids[0])
    service.wait_for_mail(ids[1])
    erase_recipient(service, EMAIL)
    with service.components.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.messages)) == 1
    again = send_mails(service, "sealed", "once")
    assert again == ids
    with service.components.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.messages)) == 1


def test_what_waits_is_not_delivered(service: RunningService) -> None:
    """A scheduled mail to an erased person leaves the queue."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    service.send(recipients=[{"email": EMAIL}], schedule={"first_attempt": moment})
    assert erase_recipient(service, EMAIL)["rows"]["queue"] == 1
    with service.components.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.queue)) == 0


def test_what_mails_share_stays_for_the_others(service: RunningService) -> None:
    """Of a submission one copy is stored of what its mails have in common. Erasing a person leaves nothing of theirs in
    it and the others' waiting mails as they are; it goes with the last of them.
    """
    people = [make_recipient(EMAIL, NAME, "1"), *(make_recipient(f"r{n}@example.org", f"R {n}", "2") for n in (1, 2))]
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    page = LINKS + "<p>Dear {{ who }},</p>" + "".join(f"<p>Offer {n} of the spring sale</p>" for n in range(3000))
    entries = service.send(
        recipients=people, html_content=page, tracking={"click": True}, schedule={"first_attempt": moment}
    )
    ids = [entry["id"] for entry in entries]

    def read_stored() -> tuple[list[int], list[bytes]]:
        with service.components.database.read() as connection:
            sizes = connection.scalars(select(func.length(schema.contents.c.raw)))
            return sorted(sizes), list(connection.scalars(select(schema.shared_contents.c.data)))

    mails = [service.get_message(key)["content_parsed"]["parts"][0]["content"] for key in ids]
    assert all(person["name"] in mail and len(mail) > 90_000 for person, mail in zip(people, mails, strict=True))
    sizes, (shared,) = read_stored()
    assert len(sizes) == 3
    assert sizes[-1] < 2000
    assert not any(word in shared.decode("utf-8", "replace") for word in (EMAIL, NAME, "r1@example.org", "R 1"))
    assert erase_recipient(service, EMAIL)["rows"]["contents"] == 1
    assert [service.get_message(key)["content_parsed"]["parts"][0]["content"] for key in ids[1:]] == mails[1:]
    assert [len(part) for part in read_stored()] == [2, 1]
    for number in (1, 2):
        erase_recipient(service, f"r{number}@example.org")
    assert read_stored() == ([], [])


def test_a_copy_for_somebody_else_that_names_the_person_is_dropped(service: RunningService) -> None:
    """A mail to two people names both; the other's copy is no longer kept, but their message stays."""
    mail = f"From: a@example.com\r\nTo: {EMAIL}, bob@example.org\r\nMessage-ID: <both@example.com>\r\n\r\nx\r\n"
    raw = RawMail("a@example.com", (EMAIL, "bob@example.org"), mail.encode(), "smtp")
    components = service.components
    assert components.account is not None
    with components.database.read() as connection:
        row = accounts_table.get(connection, components.account)
    assert row is not None
    _, bob = components.submitter.submit_raw(components.keyring, lambda _: account_from_row(row), raw, now())
    wait_until(lambda: service.get_message(str(bob))["status"] == "Delivered")
    assert "content" in service.get_message(str(bob))
    for file in (service.settings.maildir_path / "new").iterdir():
        file.unlink()  # its reader has taken it
    assert erase_recipient(service, EMAIL)["contents_of_others"] == 1
    assert "content" not in service.get_message(str(bob))
    assert find_remaining_files(service.settings.data, EMAIL) == {}


def test_bulk_clicks_that_name_the_person_lose_their_destination(service: RunningService) -> None:
    """A click on a link of no known message stays as a number, without a destination that holds the address."""
    account = uuid.UUID(service.account)
    with service.components.database.write() as connection:
        row = {"at": 1, "method": "GET", "privacy": "full", "account_id": account, "key_id": 0, "position": 0}
        place = "https://example.com/?m=" + quote(EMAIL, safe="")
        connection.execute(insert(schema.click_rows).values(**row, id=uuid.uuid4(), destination=place))
    erase_recipient(service, EMAIL)
    assert find_remaining_files(service.settings.data, EMAIL) == {}


def test_a_link_in_mail_to_somebody_else_that_names_the_person_is_gone(service: RunningService) -> None:
    """A short link that would hand the address on answers 410 from then on; the others in that mail lead on."""
    html = f'<a href="https://example.com/?about={quote(EMAIL)}">x</a> <a href="https://example.com/all">y</a>'
    message = service.send(recipients=[{"email": "bob@example.org"}], html_content=html, link_style="short")[0]["id"]
    about, others = service.delivered_links(message)
    assert [follow_link(service, link) for link in (about, others)] == [302, 302]
    wait_until_stored(service, 2)
    done = erase_recipient(service, EMAIL)
    assert (done["messages"], done["links_of_others"]) == (0, 2)
    assert [follow_link(service, link) for link in (about, others)] == [410, 302]
    for file in (service.settings.maildir_path / "new").iterdir():
        file.unlink()  # its reader has taken it
    assert find_remaining_files(service.settings.data, EMAIL) == {}


def test_a_sealed_link_in_mail_to_somebody_else_names_nobody_any_more(service: RunningService) -> None:
    """A kept mail is dropped too when only a sealed link in it holds the address, packed; mails with others stay."""
    told = {}
    for about in (EMAIL, "carol@example.org"):
        html = f'<a href="https://example.com/?about={quote(about)}">x</a>'
        told[about] = service.send(recipients=[{"email": "bob@example.org"}], html_content=html)[0]["id"]
        assert service.delivered_links(told[about])[0].startswith(service.url)
    send_mails(service, "sealed", "known")
    places = {about: f"{service.account_path}/messages/{quote(told[about], safe='')}/links" for about in told}
    before = {about: service.client.get(place).json()["data"] for about, place in places.items()}
    assert [[quote(about) in item["destination"] for item in data] for about, data in before.items()] == [
        [True],
        [True],
    ]
    assert erase_recipient(service, EMAIL)["contents_of_others"] == 1
    assert service.client.get(places[EMAIL]).json()["data"] == []
    assert service.client.get(places["carol@example.org"]).json()["data"] == before["carol@example.org"]


def test_one_erasure_at_a_time(service: RunningService) -> None:
    """Asked for many at once, by clients that come again when they are told to, each is carried out; not at once."""
    people = [f"reader{n}@example.org" for n in range(6)]
    for message in service.send(recipients=[{"email": item} for item in people]):
        service.wait_for_mail(message["id"])
    together = threading.Barrier(len(people))

    def asked(email: str) -> tuple[int, int]:
        together.wait()
        refused = 0
        with httpx.Client(base_url=service.url, headers=service.client.headers, timeout=WAIT_SECONDS) as client:
            while (answer := client.delete(f"{service.account_path}/recipients/{email}")).status_code == 429:
                refused += 1
                time.sleep(int(answer.headers["Retry-After"]))
            return refused, answer.json()["messages"]

    with ThreadPoolExecutor(len(people)) as pool:
        done = list(pool.map(asked, people))
    assert [count for _, count in done] == [1] * len(people)
    assert sum(refused for refused, _ in done) > 0
    assert find_remaining_files(service.settings.data, *people) == {}


def test_another_process_of_the_same_folder_is_at_it(service: RunningService) -> None:
    """An erasure that runs beside the service, as a command's does, keeps others waiting: 429, also for an address that
    nothing is stored on; an export is answered all the same.
    """
    with hold_lock(service.settings.data):
        answer = service.client.delete(f"{service.account_path}/recipients/nobody@example.org")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
        assert service.client.get(f"{service.account_path}/recipients/nobody@example.org").status_code == 200
    assert erase_recipient(service, "nobody@example.org")["messages"] == 0


@pytest.mark.parametrize("email", ["nobody", "a@b@c d", "x@", "\0@example.com"])
def test_what_is_no_address(service: RunningService, email: str) -> None:
    """Something that is no address is refused."""
    answer = service.client.delete(f"{service.account_path}/recipients/{quote(email, safe='')}")
    assert answer.status_code == 400
    assert "email" in answer.json()["message"]


def test_no_table_is_forgotten() -> None:
    """Every table that belongs to a message, by its id or number, is erased with it, and so will a later one be."""
    ours = {schema.stored_rows(table).name for table in (*person_data.TABLES_BY_MESSAGE, *person_data.TABLES_BY_NUMBER)}
    tied = {
        table.name
        for table in schema.metadata.sorted_tables
        if table.name not in ("messages", "erased") and {"message_id", "number"} & set(table.columns.keys())
    }
    assert ours == tied
