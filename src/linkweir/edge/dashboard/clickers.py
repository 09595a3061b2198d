"""Who clicked: the people of a campaign or of one of its links, and why some of them are not on any list."""

from dataclasses import dataclass

from starlette.responses import Response

from linkweir.edge.dashboard import figures, period, turning
from linkweir.edge.dashboard.campaigns import LINKS, named
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.period import HOUR, Period
from linkweir.edge.parts import now
from linkweir.store import clicked, dashboard_reads, totals

PAGE = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Which people: of a campaign, of one link (None: of any), with this in their address, who first clicked in a
    period."""

    tag: str
    position: int | None
    address: str
    period: Period

    @property
    def between(self) -> tuple[int, int]:
        """The period in microseconds since 1970."""
        return self.period.first * HOUR, self.period.last * HOUR


def asked(call: Call) -> Asked:
    """What the query asks for. Raises NotFound without a campaign."""
    place = call.asked("position")
    position = int(place) if place.isascii() and place.isdecimal() and len(place) < 10 else None
    chosen = period.of(call.asked("days"), now(), call.zone)
    return Asked(named(call), position, call.asked("address").strip()[:320], chosen)


@signed_in
def clickers(call: Call) -> Response:
    """The list, a page at a time."""
    wish, account = asked(call), call.account["id"]
    span = wish.period.span(account, f"tag:{wish.tag}")
    with call.parts.store.read() as connection:
        page = clicked.who(
            connection,
            account,
            wish.tag,
            turning.wanted(call, PAGE),
            position=wish.position,
            destination=None,
            address=wish.address,
            between=wish.between,
        )
        total = figures.of(totals.sum_of(connection, span)._mapping)
        links = totals.by_value(connection, span, "link", LINKS)
        privacies = dashboard_reads.privacies(connection, account, wish.tag)
    keep = [("tag", wish.tag), ("address", wish.address)]
    keep += [] if wish.position is None else [("position", str(wish.position))]
    return call.page(
        "clickers.html",
        here="campaigns",
        tag=wish.tag,
        wish=wish,
        keep=keep,
        period=wish.period,
        choices=period.CHOICES,
        rows=page.rows,
        turning=turning.around(page, "at"),
        total=total,
        links=_links([row.value for row in links]),
        untied=privacies.get("anonymous", 0),
        known=sum(privacies.values()),
        shortened=privacies.get("pseudonymous", 0),
    )


def _links(values: list[str]) -> list[tuple[int, str]]:
    """Place and destination of each link that was followed, in the order of the mail; the first destination where a
    place has several."""
    found: dict[int, str] = {}
    for value in values:
        place, _, destination = value.partition("\t")
        if place.isdigit():
            found.setdefault(int(place), destination)
    return sorted(found.items())
