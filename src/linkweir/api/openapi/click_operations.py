"""The operations on clicks and people, for the table of operations."""

from linkweir.api.openapi.operation import (
    ACCOUNT_PATH,
    PAGE_PARAMETERS,
    STRING_LIST_SCHEMA,
    STRING_SCHEMA,
    TIME_SCHEMA,
    Operation,
)
from linkweir.api.v2 import click_response_types
from linkweir.db.aggregate_columns import ATTRIBUTE_PREFIX
from linkweir.stats.click_statistics import DIMENSIONS
from linkweir.stats.export import FORMATS
from linkweir.stats.periods import PERIOD_UNITS

FORMAT_SCHEMA = {"type": "string", "enum": list(FORMATS)}
TIME_RANGE = {"from_time": TIME_SCHEMA, "to_time": TIME_SCHEMA}
LIMIT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
GROUP_BY_SCHEMA = {
    "default": "day",
    "anyOf": [
        {"type": "string", "enum": [*PERIOD_UNITS, *DIMENSIONS]},
        {"type": "string", "pattern": f"^{ATTRIBUTE_PREFIX}.{{1,64}}$"},
    ],
}
MESSAGE_PATH = "/messages/{message_id}"
READ_SCOPE = "messages:read:all"
STATISTICS_SCOPE = "statistics-transactional:read:all"
STATISTICS_ERRORS = (400, 401, 403, 404, 422, 429, 503)
CLICK_OPERATIONS = (
    Operation(
        "get",
        f"{ACCOUNT_PATH}{MESSAGE_PATH}/clicks",
        "List the clicks on a message's links, each with its verdict and why",
        click_response_types.ClickResource,
        is_list=True,
        is_paged=True,
        query=PAGE_PARAMETERS,
        scope=READ_SCOPE,
        is_extension=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}{MESSAGE_PATH}/links",
        "List a message's links with their clicks",
        click_response_types.MessageLinkList,
        scope=READ_SCOPE,
        is_extension=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/clicks/export",
        "Every click of a time (the last 30 days) as a file",
        None,
        query={**TIME_RANGE, "tag": STRING_SCHEMA, "format": {**FORMAT_SCHEMA, "default": "csv"}},
        scope=READ_SCOPE,
        errors=STATISTICS_ERRORS,
        is_downloadable=True,
        is_extension=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/statistics/clicks",
        "Count clicks by time, or by what is known of them",
        click_response_types.ClickStatistics,
        query={
            **TIME_RANGE,
            **dict.fromkeys(("tag", "sender_domain", "time_zone"), STRING_SCHEMA),
            "group_by": GROUP_BY_SCHEMA,
            "limit": LIMIT_SCHEMA,
            "format": FORMAT_SCHEMA,
        },
        scope=STATISTICS_SCOPE,
        errors=STATISTICS_ERRORS,
        is_downloadable=True,
        is_extension=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/statistics/campaigns",
        "Compare campaigns: messages, clicks, click rates",
        click_response_types.CampaignStatistics,
        query={**TIME_RANGE, "tags": STRING_LIST_SCHEMA, "limit": LIMIT_SCHEMA, "format": FORMAT_SCHEMA},
        scope=STATISTICS_SCOPE,
        errors=STATISTICS_ERRORS,
        is_downloadable=True,
        is_extension=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/statistics/variants",
        "Compare the variants of a campaign, and tell differences from chance",
        click_response_types.VariantStatistics,
        query={**TIME_RANGE, "tag": STRING_SCHEMA, "baseline": STRING_SCHEMA, "format": FORMAT_SCHEMA},
        required=("tag",),
        scope=STATISTICS_SCOPE,
        is_downloadable=True,
        is_extension=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/statistics/clickers",
        "List who clicked in a campaign, or on one of its links",
        click_response_types.ClickerResource,
        is_list=True,
        is_paged=True,
        query={
            **PAGE_PARAMETERS,
            **dict.fromkeys(("tag", "destination"), STRING_SCHEMA),
            "position": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
            "format": FORMAT_SCHEMA,
        },
        required=("tag",),
        scope=READ_SCOPE,
        errors=STATISTICS_ERRORS,
        is_downloadable=True,
        is_extension=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/recipients/{{email}}",
        "Export everything that is stored on one person",
        click_response_types.RecipientExport,
        scope="recipients:read",
        is_extension=True,
    ),
    Operation(
        "delete",
        f"{ACCOUNT_PATH}/recipients/{{email}}",
        "Erase everything that is stored on one person, for good",
        click_response_types.ErasureResponse,
        scope="recipients:delete",
        is_extension=True,
    ),
)
