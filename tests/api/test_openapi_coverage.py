"""Which test shows the effect of each field of a request and each parameter: none is described that nothing shows."""

import re
from pathlib import Path
from typing import Any

from linkweir.api.openapi_document import build_document

TESTS_FOLDER = Path(__file__).parents[1]
PREFERENCES = "privacy link_style opt_out skip outlook honeypot utm"
WEBHOOK_SWITCHES = "reception delivered transient_error failed bounced suppressed opened clicked"
SWITCHES = " ".join(f"on_{kind}" for kind in WEBHOOK_SWITCHES.split())
PAGES = "limit after before"
POLICY = "api/test_policy_fields.py::test_a_preference_changes_its_own_effect_only"
DRY_RUN = "api/test_policy_fields.py::test_the_dry_run_heeds_every_field"
MESSAGE_FIELDS = "api/test_message_fields.py::"
MESSAGES = "api/test_messages_endpoints.py::"
STATISTICS_FIELDS = "api/test_statistics_fields.py::"
CLICK_STATISTICS = "api/test_click_statistics.py::"
RESOURCES = "api/test_crud.py::"
CORRECTIONS = "web/test_corrections.py::"
INTERNAL = "api/test_internal_clicks.py::"
WEBHOOK_FIELDS = "webhooks/test_webhook_fields.py::"
FIELD_TESTS: list[tuple[str, str, str]] = [  # schema or path, its fields or parameters, the test
    ("SendRequest", f"{PREFERENCES} tracking", POLICY),
    ("SendRequest", "from recipients subject", MESSAGE_FIELDS + "test_every_field_of_a_message_that_is_read"),
    ("SendRequest", "text_content html_content substitutions", MESSAGES + "test_substitutions_of_the_recipient_win"),
    ("SendRequest", "reply_to attachments headers tags", MESSAGES + "test_headers_tags_reply_to_and_files_go_along"),
    ("SendRequest", "amp_content", "api/test_send.py::test_an_amp_part_goes_along_untouched"),
    ("SendRequest", "sandbox sandbox_result", "api/test_send.py::test_a_sandbox_mail_never_leaves"),
    ("SendRequest", "retention", MESSAGE_FIELDS + "test_retention_goes_from_account_to_message"),
    ("SendRequest", "schedule", MESSAGE_FIELDS + "test_a_schedule_has_two_ends"),
    ("EmailAddress", "email name", MESSAGE_FIELDS + "test_every_field_of_the_older_api"),
    ("SendRecipient", "email", MESSAGES + "test_every_recipient_gets_a_message_of_their_own"),
    ("SendRecipient", "name", MESSAGES + "test_the_answer_has_the_contracts_shape"),
    ("SendRecipient", "substitutions", MESSAGES + "test_substitutions_of_the_recipient_win"),
    (
        "SendRecipient",
        "tracking privacy",
        "api/test_policy_fields.py::test_a_recipients_preference_applies_to_their_mail",
    ),
    ("SendRecipient", "attributes", "api/test_recipient_erasure.py::test_everything_is_handed_out"),
    ("SendRecipient", "variant", CLICK_STATISTICS + "test_campaigns_and_variants_of_real_messages"),
    ("TrackingOptions", "open click", POLICY),
    ("SendAttachment", "data base64 content_type file_name", MESSAGE_FIELDS + "test_every_field_of_the_older_api"),
    ("SendAttachment", "content_disposition content_id", MESSAGES + "test_a_file_with_an_id_is_inline"),
    ("RetentionOptions", "metadata data", MESSAGE_FIELDS + "test_retention_goes_from_account_to_message"),
    ("SendSchedule", "first_attempt expires", MESSAGE_FIELDS + "test_a_schedule_has_two_ends"),
    ("UtmOptions", "source medium campaign term content", POLICY),
    ("UtmOptions", "hosts", "api/test_send.py::test_utm_excludes_signed_addresses_other_hosts_and_marked_tags"),
    ("CheckRequest", f"{PREFERENCES} html_content from headers tracking", DRY_RUN),
    ("AccountUpdate", f"{PREFERENCES} track_opens track_clicks", POLICY),
    ("AccountUpdate", "name website about", MESSAGE_FIELDS + "test_an_account_shows_its_changes"),
    (
        "AccountUpdate",
        "message_metadata_retention message_data_retention",
        MESSAGE_FIELDS + "test_retention_goes_from_account_to_message",
    ),
    ("AccountUpdate", "internal_networks", INTERNAL + "test_clicks_from_the_office_are_internal"),
    (
        "AccountUpdate",
        "internal_addresses internal_own_domains",
        INTERNAL + "test_clicks_on_mail_to_own_people_are_internal",
    ),
    ("AccountUpdate", "confirm", "web/test_blocklist_and_confirmation.py::test_a_marked_link_requires_confirmation"),
    *(
        entry
        for name in ("DomainCreate", "DomainUpdate")
        for entry in (
            (name, f"{PREFERENCES} track_opens track_clicks", POLICY),
            (name, "dkim_selector dkim_private_key", MESSAGE_FIELDS + "test_a_domain_can_bring_its_key"),
            (name, "dkim", "mail/test_dkim_signing.py::test_mail_of_a_domain_with_a_key_is_signed"),
            (name, "tracking_subdomain", RESOURCES + "test_a_domains_links_live_on_its_own_host"),
        )
    ),
    ("DomainCreate", "domain", RESOURCES + "test_a_domains_links_live_on_its_own_host"),
    ("ApiKeyCreate", "label", MESSAGE_FIELDS + "test_a_key_notes_its_use"),
    ("ApiKeyCreate", "scopes", RESOURCES + "test_a_key_is_limited_to_its_scopes"),
    (
        "ApiKeyUpdate",
        "label scopes",
        "api/test_concurrent_updates.py::test_concurrent_changes_of_a_key_are_all_applied",
    ),
    ("ApiKeyCreate", "ip_allow_list", "api/test_ip_allow_list.py::test_a_key_works_from_its_networks_only"),
    ("ApiKeyUpdate", "ip_allow_list", "api/test_ip_allow_list.py::test_a_list_can_be_replaced_and_cleared"),
    (
        "CorrectionCreate",
        "destination replacement campaign message_id",
        CORRECTIONS + "test_the_closest_correction_applies_once",
    ),
    ("/corrections", "in_force", CORRECTIONS + "test_what_no_link_may_lead_to_is_refused"),
    ("SmtpCredentialCreate", "name sandbox", MESSAGE_FIELDS + "test_a_credential_can_be_for_the_sandbox"),
    ("SmtpCredentialCreate", "scope domains", RESOURCES + "test_a_credential_from_the_api_signs_in"),
    ("WebhookCreate", f"name url enabled {SWITCHES}", WEBHOOK_FIELDS + "test_each_switch_is_for_its_own_events"),
    ("WebhookCreate", "scope domains", "webhooks/test_delivery.py::test_a_scoped_webhook_hears_of_its_domains_only"),
    ("WebhookUpdate", f"name url enabled {SWITCHES}", WEBHOOK_FIELDS + "test_a_change_changes_what_it_names"),
    (
        "WebhookCreate",
        "verdict_wait_seconds",
        WEBHOOK_FIELDS + "test_a_webhook_waits_for_the_verdict_as_long_as_it_says",
    ),
    ("WebhookUpdate", "verdict_wait_seconds", WEBHOOK_FIELDS + "test_a_change_changes_what_it_names"),
    ("WebhookUpdate", "scope domains", WEBHOOK_FIELDS + "test_a_change_of_the_scope_holds"),
    (
        "WebhookCreate",
        "on_click_corrected",
        "clicks/ingest/test_click_notifications.py::test_a_verdict_that_changes_is_corrected",
    ),
    ("WebhookUpdate", "on_click_corrected", WEBHOOK_FIELDS + "test_a_change_changes_what_it_names"),
    ("V1SendRequest", "from recipients content", MESSAGE_FIELDS + "test_every_field_of_the_older_api"),
    (
        "V1Content",
        "subject text_body html_body attachments reply_to headers",
        MESSAGE_FIELDS + "test_every_field_of_the_older_api",
    ),
    (
        "/messages",
        "status sender recipient subject message_id_header tags from_time to_time",
        RESOURCES + "test_messages_are_filtered",
    ),
    *(
        (path, f"{PAGES} cursor", RESOURCES + "test_a_cursor_is_after_by_its_older_name")
        for path in ("/messages", "/domains", "/webhooks", "/api-keys", "/smtp-credentials", "/corrections")
    ),
    *(
        (path, f"{PAGES} cursor", CLICK_STATISTICS + test)
        for path, test in (
            ("/messages/{message_id}/clicks", "test_single_clicks_are_listed_newest_first"),
            ("/statistics/clickers", "test_who_clicked_is_listed_in_pages_and_as_a_file"),
        )
    ),
    (
        "/webhooks",
        f"enabled {SWITCHES} on_click_corrected on_suppression_created on_dns_error",
        RESOURCES + "test_webhooks_are_filtered",
    ),
    ("/domains", "dns_valid", RESOURCES + "test_domains_are_filtered"),
    (
        "/statistics/transactional/deliverability",
        "from_time to_time sender_domain recipient_domains tags",
        STATISTICS_FIELDS + "test_each_kind_of_event_is_counted_as_its_own",
    ),
    ("/statistics/transactional/deliverability", "group_by", STATISTICS_FIELDS + "test_periods_match_the_request"),
    (
        "/statistics/clicks",
        "from_time to_time group_by limit",
        STATISTICS_FIELDS + "test_clicks_are_grouped_by_the_requested_dimension",
    ),
    ("/statistics/clicks", "sender_domain tag", STATISTICS_FIELDS + "test_clicks_of_one_senders_domain"),
    ("/statistics/clicks", "time_zone format", CLICK_STATISTICS + "test_sums_by_time_and_by_value"),
    *(
        (path, "from_time to_time " + more, STATISTICS_FIELDS + "test_campaigns_and_variants_are_of_a_time")
        for path, more in (("/statistics/campaigns", "tags limit"), ("/statistics/variants", "tag baseline"))
    ),
    *(
        (path, "format", STATISTICS_FIELDS + "test_a_file_has_the_requested_format")
        for path in ("/statistics/campaigns", "/statistics/variants", "/statistics/clickers", "/clicks/export")
    ),
    (
        "/statistics/clickers",
        "tag position destination",
        CLICK_STATISTICS + "test_who_clicked_is_listed_in_pages_and_as_a_file",
    ),
    ("/clicks/export", "from_time to_time tag", CLICK_STATISTICS + "test_every_click_as_a_file"),
]


def list_described_fields() -> set[tuple[str, str]]:
    """Every field of every request, by its schema, and every query parameter, by its path."""
    result: set[tuple[str, str]] = set()
    whole = build_document()
    schemas: dict[str, Any] = whole["components"]["schemas"]
    waiting: set[str] = set()
    for path, methods in whole["paths"].items():
        for operation in methods.values():
            names = [item["name"] for item in operation["parameters"] if item["in"] == "query"]
            result |= {(path.removeprefix("/v2/accounts/{account_id}"), name) for name in names}
            waiting |= list_references(operation.get("requestBody"))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        result |= {(name.rpartition(".")[2], field) for field in schemas[name].get("properties", {})}
        waiting |= list_references(schemas[name]) - seen
    return result


def list_references(schema: object) -> set[str]:
    """The names of the schemas that this one refers to."""
    return set(re.findall(r"'#/components/schemas/([^']+)'", str(schema)))


def test_every_field_is_shown_by_a_test() -> None:
    """What a request may say is in the list above, with nothing else, and each test named there exists."""
    assert {(place, name) for place, names, _ in FIELD_TESTS for name in names.split()} == list_described_fields()
    for _, _, test in FIELD_TESTS:
        file, _, name = test.partition("::")
        text = (TESTS_FOLDER / file).read_text()
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), test
