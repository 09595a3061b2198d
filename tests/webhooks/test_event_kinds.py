"""The table of event kinds feeds everything that knows of events."""

from linkweir.accounts.resource_changes import WebhookCreate, WebhookUpdate
from linkweir.api.openapi_document import build_document
from linkweir.webhooks.event_kinds import EVENT_KINDS, EVENT_NAMES, UNSUPPORTED_EVENT_NAMES


def test_each_name_has_a_row() -> None:
    """The table has one row for each name of an event."""
    assert sorted(kind.name for kind in EVENT_KINDS) == sorted(EVENT_NAMES)


def test_a_webhook_has_a_field_for_each_kind() -> None:
    """A webhook can be subscribed to each kind, and shows the contract's other two as well."""
    fields = {f"on_{name}" for name in EVENT_NAMES}
    for shape in (WebhookCreate, WebhookUpdate):
        assert {name for name in shape.__struct_fields__ if name.startswith("on_")} == fields
    path = build_document()["paths"]["/v2/accounts/{account_id}/webhooks"]["get"]
    filters = {item["name"] for item in path["parameters"] if item["name"].startswith("on_")}
    assert filters == fields | {f"on_{name}" for name in UNSUPPORTED_EVENT_NAMES}
