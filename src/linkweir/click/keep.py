"""Stores facts of clicks and opens, and all that follows from them: verdicts, sums, counts, status.

All of it in one transaction, so that a fact that comes twice (a journal read again after a crash) counts once.

A new hit may change what is thought of earlier ones of its message, so those near it are judged anew, and the
*difference* between what each counted as and what it counts as now is added to the sums. That costs each fact a
bounded amount, whatever its message has seen: at most `store.hits.MOST` stored hits are looked at again for a message
and batch; who came first is kept with the clicks and moves on without looking back; the sums are written once for each
row and batch.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from linkweir.click.fact import Fact
from linkweir.click.firsts import Firsts, Later
from linkweir.click.group import Group
from linkweir.click.receive import Received, receive
from linkweir.click.single import Click
from linkweir.click.tally import Tally
from linkweir.click.understand import Understand
from linkweir.store import clicks, hits, outbox, rollups


def keep(connection: Connection, facts: Sequence[Fact], understand: Understand, now: int) -> None:
    """Store these facts and what follows; `now` in microseconds since 1970. Those that are stored change nothing."""
    received = receive(connection, facts, understand)
    if not received:
        return
    groups = list({id(one.group): one.group for one in received}.values())
    named = [group for group in groups if group.name is not None]
    _look_around(connection, named, understand.window)
    changed = [click for group in groups for click in group.judge(understand)]
    for click in changed:
        _correct(click, now + understand.correct_wait)
    hits.judge_anew(connection, [(*click.judgement, click.tell_at, click.id) for click in changed])
    firsts = _find_firsts(connection, [group for group in named if _moves(group)])
    _store(connection, received, understand.tell_wait, now)
    moved = [click for group in named for click in group.known.values() if click.bits != click.bits_before]
    hits.mark_first(connection, [(*click.flags, click.id) for click in moved])
    tally = Tally()
    for one in received:
        tally.add(one.click, one.place)
    for group in named:
        for click in group.known.values():
            tally.add(click, group.place)
    _write(connection, tally, firsts, now)


def _look_around(connection: Connection, groups: Sequence[Group], window: int) -> None:
    spans = [
        (group.name, first - 2 * window, last + 2 * window)
        for group in groups
        if group.name is not None
        for first, last in group.spans(window)
    ]
    _bring(groups, hits.around(connection, spans))


def _bring(groups: Iterable[Group], rows: Iterable[Row[Any]]) -> None:
    """Put stored clicks to their groups; one that is there already stays as it is."""
    by_name = {(group.account, group.name): group for group in groups}
    for row in rows:
        group = by_name.get((row.account_id, row.message_id or row.message_ref))
        if group is not None:
            _known(group, row)


def _known(group: Group, row: Row[Any]) -> Click:
    click = group.known.get(row.id)
    if click is None:
        click = group.known[row.id] = Click(*tuple(row))
        click.before = click.verdict
    return click


def _correct(click: Click, at: int) -> None:
    """Webhooks that were told another verdict will be told of this one."""
    if click.told is not None and click.kind == "click":
        click.tell_at = at if click.told != click.verdict else None


def _moves(group: Group) -> bool:
    """Whether a click of a person came or went."""
    return any(click.counts != click.counted for click in (*group.new, *group.known.values()))


def _find_firsts(connection: Connection, groups: Sequence[Group]) -> dict[uuid.UUID, Firsts]:
    """Move on who came first in these groups; by message, for those that are known here."""
    _bring(groups, hits.firsts(connection, [group.name for group in groups if group.name is not None]))
    found: dict[uuid.UUID, Firsts] = {}
    for group in groups:
        firsts = Firsts(group.known.values())
        tied = [click for click in group.new if click.name is not None]
        firsts.update([*tied, *group.known.values()], _later(connection, group))
        if isinstance(group.name, uuid.UUID):
            found[group.name] = firsts
    return found


def _later(connection: Connection, group: Group) -> Later:
    def later(at: int) -> Iterator[Click]:
        assert group.name is not None
        for row in hits.counted_from(connection, group.name, at):
            if row.account_id == group.account:
                yield _known(group, row)

    return later


def _store(connection: Connection, received: Sequence[Received], wait: int, now: int) -> None:
    asked = _asked(connection, {one.click.account for one in received if one.click.message and one.click.account})
    rows = []
    for one in received:
        click = one.click
        if click.message and click.method == "GET" and click.kind in asked[click.account]:
            click.tell_at = min(click.at, now + wait) + wait  # the clock may have been ahead, and was set back
        rows.append(_row(one))
    clicks.add(connection, rows)


def _asked(connection: Connection, accounts: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, set[str]]:
    """By account: whether its webhooks want to hear of clicks and opens; for the others nothing needs to be told."""
    found: dict[uuid.UUID | None, set[str]] = {}
    for account in accounts:
        wanted = {kind for hook in outbox.enabled(connection, account) for kind in hook["events"]}
        heard = {"click": wanted & {"clicked", "click_corrected"}, "open": wanted & {"opened"}}
        found[account] = {kind for kind, some in heard.items() if some}
    return found


def _row(one: Received) -> tuple[Any, ...]:
    """The columns of `store.clicks.COLUMNS`, in their order."""
    click, fact = one.click, one.fact
    first, firsts = click.flags
    return (
        *(click.id, click.at, click.method, click.privacy, click.account, click.message, click.ref, fact.key_id),
        *(one.campaign, click.position, click.destination, click.ip, click.user_agent, click.kind, click.prefetch),
        *(click.signals, click.client, one.system, click.device, click.country, one.region, click.network),
        *(*click.judgement, first, firsts, click.tell_at),
    )


def _write(connection: Connection, tally: Tally, firsts: dict[uuid.UUID, Firsts], now: int) -> None:
    rollups.add(connection, tally.rows())
    for moved in (True, False):
        links = [_link(tally, key, firsts) for key in tally.links if (key[0] in firsts) is moved]
        rollups.add_links(connection, links, moved=moved)
    counts = [(number, opens, now, message) for message, (number, opens) in tally.counts.items() if number or opens]
    clicks.count_up(connection, counts)


def _link(tally: Tally, key: tuple[uuid.UUID, int], firsts: dict[uuid.UUID, Firsts]) -> tuple[Any, ...]:
    message, position = key
    first_at = firsts[message].at(position) if message in firsts else None
    return message, position, tally.destinations[key], *tally.links[key], first_at
