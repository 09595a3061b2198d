"""The operations on clicks and people, for the table of operations."""

from linkweir.edge.openapi import counted
from linkweir.edge.openapi.operation import ACCOUNT, PAGES, TEXT, TEXTS, TIME, Operation
from linkweir.report.clicks import DIMENSIONS
from linkweir.report.export import FORMATS
from linkweir.report.periods import GROUPS
from linkweir.store.sums import ATTRIBUTE

FORMAT = {"type": "string", "enum": list(FORMATS)}
SPAN = {"from_time": TIME, "to_time": TIME}
LIMIT = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
GROUP = {
    "default": "day",
    "anyOf": [
        {"type": "string", "enum": [*GROUPS, *DIMENSIONS]},
        {"type": "string", "pattern": f"^{ATTRIBUTE}.{{1,64}}$"},
    ],
}
ONE = "/messages/{message_id}"
READ = "messages:read:all"
COUNT = "statistics-transactional:read:all"
ASKED = (400, 401, 403, 404, 422, 429, 503)
CLICKING = (
    Operation(
        "get",
        f"{ACCOUNT}{ONE}/clicks",
        "List the clicks on a message's links, each with its verdict and why",
        counted.Click,
        listed=True,
        pages=True,
        query=PAGES,
        scope=READ,
        own=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT}{ONE}/links",
        "List a message's links with their clicks",
        counted.MailLinks,
        scope=READ,
        own=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT}/clicks/export",
        "Every click of a time (the last 30 days) as a file",
        None,
        query={**SPAN, "tag": TEXT, "format": {**FORMAT, "default": "csv"}},
        scope=READ,
        errors=ASKED,
        files=True,
        own=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT}/statistics/clicks",
        "Count clicks by time, or by what is known of them",
        counted.Sums,
        query={
            **SPAN,
            **dict.fromkeys(("tag", "sender_domain", "time_zone"), TEXT),
            "group_by": GROUP,
            "limit": LIMIT,
            "format": FORMAT,
        },
        scope=COUNT,
        errors=ASKED,
        files=True,
        own=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT}/statistics/campaigns",
        "Compare campaigns: messages, clicks, click rates",
        counted.Campaigns,
        query={**SPAN, "tags": TEXTS, "limit": LIMIT, "format": FORMAT},
        scope=COUNT,
        errors=ASKED,
        files=True,
        own=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT}/statistics/variants",
        "Compare the variants of a campaign, and tell differences from chance",
        counted.Variants,
        query={**SPAN, "tag": TEXT, "baseline": TEXT, "format": FORMAT},
        required=("tag",),
        scope=COUNT,
        files=True,
        own=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT}/statistics/clickers",
        "List who clicked in a campaign, or on one of its links",
        counted.Clicker,
        listed=True,
        pages=True,
        query={
            **PAGES,
            **dict.fromkeys(("tag", "destination"), TEXT),
            "position": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
            "format": FORMAT,
        },
        required=("tag",),
        scope=READ,
        errors=ASKED,
        files=True,
        own=True,
    ),
    Operation(
        "get",
        f"{ACCOUNT}/recipients/{{email}}",
        "Export everything that is stored on one person",
        counted.Person,
        scope="recipients:read",
        own=True,
    ),
    Operation(
        "delete",
        f"{ACCOUNT}/recipients/{{email}}",
        "Erase everything that is stored on one person, for good",
        counted.Erased,
        scope="recipients:delete",
        own=True,
    ),
)
