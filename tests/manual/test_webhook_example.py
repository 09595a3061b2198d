"""The request that the webhooks page shows is what a webhook receives."""

import json
import re
from pathlib import Path
from typing import Any

from tests.manual.examples import PAGES
from tests.manual.library_examples import examples
from tests.web.running_service import RunningService, wait_until
from tests.webhooks.receiver import WebhookReceiver
from tests.webhooks.test_delivery import LOOPBACK_NETWORKS


def shape(value: Any) -> Any:
    """The names and types of a JSON value."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value).__name__


def test_the_example_has_the_fields_of_a_real_request(tmp_path: Path) -> None:
    """The fields of the example, their types and their order of nesting are those of a click's event."""
    page = (PAGES / "webhooks.md").read_text(encoding="utf-8")
    (shown,) = [json.loads(example.text) for example in examples(page) if example.language == "json"]
    with (
        WebhookReceiver() as receiver,
        RunningService(tmp_path / "data", webhook_networks=LOOPBACK_NETWORKS, tell_seconds=0.1) as service,
    ):
        body = {"name": "test", "url": receiver.url, "scope": "global", "on_clicked": True}
        assert service.client.post(f"{service.account_path}/webhooks", json=body).status_code == 201
        (entry,) = service.send()
        link = service.delivered_links(entry["id"])[0]
        assert service.reader.get(link).status_code == 302
        wait_until(lambda: receiver.list_of_type("clicked"))
        received = receiver.list_of_type("clicked")[0].json
    assert shape(shown) == shape(received)
    assert re.fullmatch(r"[0-9a-f]{32}", received["data"]["id"])
