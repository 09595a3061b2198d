"""`linkweir explain CLICK`: how the verdict on a click came about, rule by rule, with the hits around it."""

import argparse
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linkweir.batch.names import printable, shown
from linkweir.cli.folder import add_data
from linkweir.cli.options import Commands, UsageError, subparser
from linkweir.cli.packages import service_packages

if TYPE_CHECKING:
    from linkweir.click.explain import Explained

_SECOND = 1_000_000
_WAIT = 5.0  # seconds for a locked database
_EXAMPLES = """\
  linkweir explain 0b5f7c1e-8a52-4c4f-9a57-2f7d6c1c0e11
  linkweir explain --data /var/lib/linkweir --json 0b5f7c1e8a524c4f9a572f7d6c1c0e11
"""


def add_to(commands: Commands) -> None:
    """Add this sub-command to the parser."""
    parser = subparser(
        commands,
        "explain",
        summary="show how the verdict on a click came about",
        description="Show a click of the service, the hits around it, each rule that speaks for a person or a machine "
        "with its weight, and the verdict that follows. Reads the service's data, which may be in use.",
        examples=_EXAMPLES,
    )
    parser.add_argument("click", metavar="CLICK", help="the click's id, as the API and the dashboard show it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_data(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the explanation. Raises UsageError for an id that is none, or that no stored click has."""
    try:
        click = uuid.UUID(args.click)
    except ValueError:
        raise UsageError(f"{shown(args.click)} is no click's id") from None
    found = _explained(click, args.data)
    if found is None:
        raise UsageError(f"no click {click} is stored here; clicks in privacy mode `none` never are")
    print(json.dumps(_object(found)) if args.json else "\n".join(_lines(found)))
    return 0


def _explained(click: uuid.UUID, data: Path | None) -> "Explained | None":
    with service_packages():
        from linkweir.click.enrich import Enricher
        from linkweir.click.explain import explain
        from linkweir.click.networks import Networks
        from linkweir.settings import from_environment
        from linkweir.store.engine import Store
    settings = from_environment(os.environ, data=data)
    if not settings.database.exists():
        raise UsageError(f"there is no service's data in {shown(str(settings.data))}: name it with --data")
    enricher = Enricher(settings.mmdb, Networks.load(settings.networks))
    store = Store(settings.database, wait=_WAIT, connections=1)
    try:
        with store.read() as connection:
            return explain(connection, click, enricher)
    finally:
        store.close()


def _lines(found: "Explained") -> list[str]:
    row, now = found.click, found.weighed.judgement
    who = (row["client"], row["system"], row["device"], row["country"], row["network"])
    lines = [
        f"{row['kind']} {row['id']}  {_time(row['at'])}  {row['method']}",
        f"  link {row['position']}  {row['destination'] or ''}".rstrip(),
        f"  from {row['ip'] or 'an address that is not kept'}  {', '.join(part for part in who if part)}".rstrip(),
        f"  {row['user_agent'] or 'no user agent kept'}",
        f"  {_age(found)}",
        *_links(found),
        *_record(found),
        "",
        f"stored  {row['verdict']} {row['confidence']:.2f}  {row['reasons']}".rstrip(),
        f"now     {now.verdict} {now.confidence:.2f}  {' '.join(now.reasons)}".rstrip(),
        *_changed(found),
        "",
        *_reckoning(found),
        "",
        f"hits of this message within {_window()} minutes",
    ]
    for other, weighed in found.around:
        mark = ">" if other["id"] == row["id"] else " "
        ago = (other["at"] - row["at"]) / _SECOND
        seat = other["ip"] or other["device"] or ""
        what = f"{other['kind']} {other['position']}" if other["kind"] == "click" else other["kind"]
        said = f"{weighed.judgement.verdict:<8}  {next(iter(weighed.judgement.reasons), '')}".rstrip()
        lines.append(f"{mark} {ago:+9.2f} s  {other['method']:<4}  {what:<10}  {seat:<15}  {said}")
    return [printable(line) for line in lines]


def _changed(found: "Explained") -> list[str]:
    if found.click["verdict"] == found.weighed.judgement.verdict:
        return []
    return [
        "        It was passed on what was known then: hits, lists and what programs did elsewhere have changed since."
    ]


def _reckoning(found: "Explained") -> list[str]:
    from linkweir.click.verdict.judging import HUMAN, MACHINE
    from linkweir.click.verdict.rules import PRIOR

    decisive = next((rule for rule in found.weighed.rules if rule.verdict), None)
    lines = [] if decisive else [f"{PRIOR:+5.1f}  {'':<18} Before anything is known."]
    for rule in found.weighed.rules:
        weight = "     " if decisive else f"{rule.weight:+5.1f}"
        lines.append(f"{'  ! ' if rule.verdict else weight:<5}  {rule.code:<18} {rule.sentence}")
    if decisive:
        return [*lines, f"=      {decisive.code} decides; the rest is told only"]
    total = PRIOR + sum(rule.weight for rule in found.weighed.rules)
    weak = total > 0 and not any(rule.strong for rule in found.weighed.rules)
    limit = "; none of these rules is strong, so never a machine's" if weak else ""
    return [
        *lines,
        f"{total:+5.1f}  = {found.weighed.machine:.0%} likely a machine's: {found.weighed.judgement.verdict}",
        f"       (a person's up to {HUMAN:.0%}, a machine's from {MACHINE:.0%} on, unsure between{limit})",
    ]


def _age(found: "Explained") -> str:
    delivered = found.context.delivered_at
    if delivered is None:
        return "when its message was delivered is not known"
    return f"{_long((found.click['at'] - delivered) / _SECOND)} after delivery to {found.click['recipient']}"


def _links(found: "Explained") -> list[str]:
    count = found.context.links
    return [] if count is None else [f"  its message has {count} tracked link{'s' * (count != 1)}"]


def _long(seconds: float) -> str:
    """A time as people say it: seconds up to two minutes, then two units."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    days, hours = minutes // 1440, minutes // 60
    if days >= 2:
        return f"{days} days {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _record(found: "Explained") -> list[str]:
    record = found.record
    if record is None:
        return []
    machine, people = (f"{count} other message{'s' * (count != 1)}" for count in (record.machine, record.people))
    return [f"  same network, user agent and headers lately: a machine with {machine}, a person with {people}"]


def _window() -> int:
    from linkweir.click.verdict import WINDOW

    return WINDOW // _SECOND // 60


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / _SECOND, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _object(found: "Explained") -> dict[str, Any]:
    row, now = found.click, found.weighed.judgement
    return {
        "click": str(row["id"]),
        "time": _time(row["at"]),
        "stored": {"verdict": row["verdict"], "confidence": row["confidence"], "reasons": row["reasons"].split()},
        "now": {"verdict": now.verdict, "confidence": now.confidence},
        "machine": found.weighed.machine,
        "links": found.context.links,
        "record": {"machine": found.record.machine, "people": found.record.people} if found.record else None,
        "rules": [
            {"code": rule.code, "weight": rule.weight, "decisive": bool(rule.verdict), "sentence": rule.sentence}
            for rule in found.weighed.rules
        ],
        "around": [
            {
                "click": str(other["id"]),
                "seconds": (other["at"] - row["at"]) / _SECOND,
                "method": other["method"],
                "kind": other["kind"],
                "position": other["position"],
                "verdict": weighed.judgement.verdict,
            }
            for other, weighed in found.around
        ],
    }
