"""One service from its first start to its end, with everything recorded on the way."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.frozen import command, dashboard, database, http, openapi, smtp
from tests.frozen.normalize import Normalizer, mail_of
from tests.frozen.receiver import Receiver
from tests.frozen.service import Service, wait_until

SESSION_SECONDS = 50  # that one takes at most, so that it lies within one hour: sums are by the hour
SOON_SECONDS = 2.5  # from when on a click after delivery is judged by the same rule for a minute
DELIVERED = 17  # mails that go to the Maildir
WEBHOOK_REQUESTS = 55  # requests to the webhook
Recording = dict[str, Any]


def record(folder: Path) -> dict[str, Recording]:
    """The recordings by the name of their fixture."""
    _wait_for_room_in_the_hour()
    normalizer = Normalizer({str(folder): "<folder>"})
    data = folder / "data"
    with command.Shell(folder / "shell", data, normalizer) as shell, Receiver() as receiver, Service(data) as service:
        recorder = http.Recorder(service, normalizer)
        weak = http.record_resources(recorder)
        http.record_webhooks(recorder, receiver.url)
        document = openapi.record(recorder)
        sent = http.record_sending(recorder)
        credential = _credential(recorder)
        dialogues = smtp.record(service, credential)
        mails = _wait_for_mails(data / "outbox")
        time.sleep(SOON_SECONDS)
        http.record_redirects(recorder, _links(mails))
        _wait_for_clicks(recorder, sent)
        wait_until(lambda: len(receiver.requests) >= WEBHOOK_REQUESTS)
        http.record_pages(recorder)
        http.record_reading(recorder, sent)
        http.record_refusals(recorder, weak)
        exchanges, recorder.exchanges = recorder.exchanges, {}
        dashboard.record(recorder, _ids(recorder, sent))
        runs = command.record(shell, _click(recorder, sent))
        runs["the service's end"] = {"code": service.stop()}
    rows = database.record(data / "linkweir.db", normalizer)
    return {
        "api": exchanges,
        "openapi": document,
        "dashboard": recorder.exchanges,
        "smtp": dict(dialogues),
        "mails": _mails(mails, normalizer),
        "webhooks": _requests(receiver, normalizer),
        "command": runs,
        "database": rows,
    }


def _wait_for_room_in_the_hour() -> None:
    now = datetime.now(UTC)
    left = 3600 - 60 * now.minute - now.second
    if left < SESSION_SECONDS:
        time.sleep(left + 1)


def _credential(recorder: http.Recorder) -> tuple[str, str]:
    """A credential for the sandbox and one domain, made anew, for its password is shown once."""
    asked = {"name": "toy", "scope": "scoped", "domains": ["example.com"], "sandbox": True}
    created = recorder.api("credential for SMTP", "POST", "/smtp-credentials", asked)
    return created["username"], created["password"]


def _wait_for_mails(maildir: Path) -> dict[str, bytes]:
    """The delivered mails by the local part of their recipient, once all are there."""

    def read_delivered() -> dict[str, bytes]:
        mails = [path.read_bytes() for path in (maildir / "new").glob("*")]
        return {_first(rb"(?mi)^to: .*?([a-z]+)@", mail): mail for mail in mails}

    wait_until(lambda: len(read_delivered()) >= DELIVERED)
    return dict(sorted(read_delivered().items()))


def _first(pattern: bytes, mail: bytes) -> str:
    match = re.search(pattern, mail)
    assert match, mail
    return match[1].decode()


def _links(mails: dict[str, bytes]) -> dict[str, list[str]]:
    """The tracking links of each mail, and below the name of its pixel that of the open pixel."""
    result: dict[str, list[str]] = {}
    for name, mail in mails.items():
        html = "".join(text for kind, _, text in mail_of(mail)["parts"] if kind == "text/html")
        result[name] = re.findall(r'href="(https://(?:t\.example\.com|go\.example\.net)/[^"]+)"', html)
        result[f"{name} pixel"] = re.findall(r'<img[^>]+src="(https://[^"]+)"', html)
    return result


def _wait_for_clicks(recorder: http.Recorder, sent: dict[str, str]) -> None:
    """Until every hit that was answered is stored: the journal is empty and the last one shows."""

    def is_stored() -> bool:
        text = recorder.service.client.get("/metrics").text
        waiting = re.search(r"^linkweir_clicks_waiting (\S+)", text, re.MULTILINE)
        return waiting is not None and float(waiting[1]) == 0

    wait_until(is_stored)


def _get(recorder: http.Recorder, path: str) -> Any:
    response = recorder.service.client.get(recorder.base + path, headers=recorder.authorization)
    assert response.status_code == 200, response.text
    return response.json()


def _ids(recorder: http.Recorder, sent: dict[str, str]) -> dict[str, str]:
    """The ids of a message and a webhook, for the dashboard's addresses."""
    (message,) = _get(recorder, "/messages?recipient=person@example.org")["data"]
    (webhook,) = _get(recorder, "/webhooks")["data"]
    return {"message": message["id"], "webhook": webhook["id"]}


def _click(recorder: http.Recorder, sent: dict[str, str]) -> str:
    """The id of a click."""
    message_id = sent["person"].strip("<>")
    (click,) = _get(recorder, f"/messages/{message_id}/clicks")["data"]
    return str(click["id"])


def _mails(mails: dict[str, bytes], normalizer: Normalizer) -> Recording:
    return {name: normalizer.value(mail_of(mail)) for name, mail in mails.items()}


def _requests(receiver: Receiver, normalizer: Normalizer) -> Recording:
    """What webhooks were told, by event and recipient, for they come in any order."""
    result: Recording = {}
    for request in receiver.requests:
        data = request["body"]["data"]
        name = f"{request['body']['type']} {data.get('recipient', '')}"
        result[name + "+" * sum(other.rstrip("+") == name for other in result)] = request
    return {name: normalizer.value(result[name]) for name in sorted(result)}
