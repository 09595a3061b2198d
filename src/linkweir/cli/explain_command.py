"""`linkweir explain CLICK`: how the verdict on a click came about, rule by rule, with the hits around it."""

import argparse
import json
import uuid
from typing import TYPE_CHECKING, Any

from linkweir.cli.data_option import add_data_option, open_data_folder
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import SECOND_US, rfc3339
from linkweir.terminal.text import display_path, escape_unprintable

if TYPE_CHECKING:
    from linkweir.clicks.verdict_explanation import VerdictExplanation

_EXAMPLES = """\
  linkweir explain 0b5f7c1e-8a52-4c4f-9a57-2f7d6c1c0e11
  linkweir explain --data /var/lib/linkweir --json 0b5f7c1e8a524c4f9a572f7d6c1c0e11
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "explain",
        summary="show how the verdict on a click came about (needs linkweir[service])",
        description="Show a click of the service, the clicks around it, the rules that apply with their weights, and "
        "the verdict. The service may be running.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "click", metavar="CLICK", help="id of the click: `id` in the API, `click_id` in webhook requests"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_data_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the explanation. Raises UsageError for an id that is none, or that no stored click has."""
    try:
        click = uuid.UUID(args.click)
    except ValueError:
        raise UsageError(f"{display_path(args.click)} is not the id of a click") from None
    from linkweir.clicks.enrichment import Enricher
    from linkweir.clicks.known_networks import KnownNetworks
    from linkweir.clicks.verdict_explanation import explain_verdict

    with open_data_folder(args) as (settings, database):
        enricher = Enricher(settings.mmdb, KnownNetworks.load(settings.networks))
        with database.read() as connection:
            explanation = explain_verdict(connection, click, enricher)
    if explanation is None:
        raise UsageError(f"no click {click} is stored here; clicks in privacy mode `none` are never stored")
    print(json.dumps(_to_json(explanation)) if args.json else "\n".join(_format_explanation(explanation)))
    return 0


def _format_explanation(explanation: "VerdictExplanation") -> list[str]:
    row, now = explanation.click, explanation.classification
    who = (row["client"], row["system"], row["device"], row["country"], row["network"])
    lines = [
        f"{row['kind']} {row['id']}  {rfc3339(row['at'])}  {row['method']}",
        f"  link {row['position']}  {row['destination'] or ''}".rstrip(),
        f"  from {row['ip'] or 'an address that is not kept'}  {', '.join(part for part in who if part)}".rstrip(),
        f"  {row['user_agent'] or 'no user agent kept'}",
        f"  {_format_delivery_age(explanation)}",
        *_format_link_count(explanation),
        *_format_reputation(explanation),
        "",
        f"stored  {row['verdict']} {row['confidence']:.2f}  {row['reasons']}".rstrip(),
        f"now     {now.verdict} {now.confidence:.2f}  {' '.join(now.reasons)}".rstrip(),
        *_format_verdict_change(explanation),
        "",
        *_format_score(explanation),
        "",
        f"hits of this message within {_window_minutes()} minutes",
    ]
    for other, classification in explanation.neighbours:
        mark = ">" if other["id"] == row["id"] else " "
        ago = (other["at"] - row["at"]) / SECOND_US
        client = other["ip"] or other["device"] or ""
        what = f"{other['kind']} {other['position']}" if other["kind"] == "click" else other["kind"]
        result = f"{classification.verdict:<8}  {next(iter(classification.reasons), '')}".rstrip()
        lines.append(f"{mark} {ago:+9.2f} s  {other['method']:<4}  {what:<10}  {client:<15}  {result}")
    return [escape_unprintable(line) for line in lines]


def _format_verdict_change(explanation: "VerdictExplanation") -> list[str]:
    if explanation.click["verdict"] == explanation.classification.verdict:
        return []
    return [
        "        It was passed on what was known then: hits, lists and what programs did elsewhere have changed since."
    ]


def _format_score(explanation: "VerdictExplanation") -> list[str]:
    from linkweir.clicks.classify.rules import prior_weight
    from linkweir.clicks.classify.scoring import HUMAN_THRESHOLD, MACHINE_THRESHOLD

    prior = prior_weight(explanation.click["kind"])
    decisive = next((rule for rule in explanation.rules if rule.verdict), None)
    lines = [] if decisive else [f"{prior:+5.1f}  {'':<18} Before anything is known."]
    for rule in explanation.rules:
        weight = "     " if decisive else f"{rule.weight:+5.1f}"
        lines.append(f"{'  ! ' if rule.verdict else weight:<5}  {rule.code:<18} {rule.sentence}")
    if decisive:
        return [*lines, f"=      {decisive.code} decides; the rest is told only"]
    total = prior + sum(rule.weight for rule in explanation.rules)
    weak = total > 0 and not any(rule.strong for rule in explanation.rules)
    limit = "; none of these rules is strong, so never a machine's" if weak else ""
    return [
        *lines,
        f"{total:+5.1f}  = {explanation.classification.machine_probability:.0%} likely a machine's: "
        f"{explanation.classification.verdict}",
        f"       (a person's up to {HUMAN_THRESHOLD:.0%}, "
        f"a machine's from {MACHINE_THRESHOLD:.0%} on, unsure between{limit})",
    ]


def _format_delivery_age(explanation: "VerdictExplanation") -> str:
    delivered = explanation.evidence.delivered_at
    if delivered is None:
        return "when its message was delivered is not known"
    age = _format_duration((explanation.click["at"] - delivered) / SECOND_US)
    return f"{age} after delivery to {explanation.click['recipient']}"


def _format_link_count(explanation: "VerdictExplanation") -> list[str]:
    count = explanation.evidence.link_count
    return [] if count is None else [f"  its message has {count} tracked link{'s' * (count != 1)}"]


def _format_duration(seconds: float) -> str:
    """A time as people say it: seconds up to two minutes, then two units."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    days, hours = minutes // 1440, minutes // 60
    if days >= 2:
        return f"{days} days {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _format_reputation(explanation: "VerdictExplanation") -> list[str]:
    record = explanation.reputation
    if record is None:
        return []
    machine, people = (
        f"{count} other message{'s' * (count != 1)}" for count in (record.machine_messages, record.human_messages)
    )
    return [f"  same network, user agent and headers lately: a machine with {machine}, a person with {people}"]


def _window_minutes() -> int:
    from linkweir.clicks.classify import WINDOW_US

    return WINDOW_US // SECOND_US // 60


def _to_json(explanation: "VerdictExplanation") -> dict[str, Any]:
    row, now = explanation.click, explanation.classification
    return {
        "click": str(row["id"]),
        "time": rfc3339(row["at"]),
        "stored": {"verdict": row["verdict"], "confidence": row["confidence"], "reasons": row["reasons"].split()},
        "now": {"verdict": now.verdict, "confidence": now.confidence},
        "machine": None if now.verdict == "internal" else now.machine_probability,
        "links": explanation.evidence.link_count,
        "record": {"machine": explanation.reputation.machine_messages, "people": explanation.reputation.human_messages}
        if explanation.reputation
        else None,
        "rules": [
            {"code": rule.code, "weight": rule.weight, "decisive": bool(rule.verdict), "sentence": rule.sentence}
            for rule in explanation.rules
        ],
        "around": [
            {
                "click": str(other["id"]),
                "seconds": (other["at"] - row["at"]) / SECOND_US,
                "method": other["method"],
                "kind": other["kind"],
                "position": other["position"],
                "verdict": classification.verdict,
            }
            for other, classification in explanation.neighbours
        ],
    }
