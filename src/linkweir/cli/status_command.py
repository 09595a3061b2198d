"""`linkweir status`: the machines of a service, what each does, and what waits."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from linkweir.cli.data_option import add_data_option, open_data_folder
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.errors import Conflict, NotFound
from linkweir.terminal.text import display_path

if TYPE_CHECKING:
    from linkweir.machine_status import MachineStatus, ServiceStatus

_EXAMPLES = """\
  linkweir status
  linkweir status --json | jq '.machines[].clicks_waiting'
  linkweir status --forget old.example.com:/var/lib/linkweir

Exit codes: 0 all machines are well, 1 one is silent or has a problem, 2 usage error.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "status",
        summary="show the machines of a service and what waits (needs linkweir[service])",
        description="Show each machine of a service with its roles and version, how long it has been silent, its "
        "problems and the clicks in its journal; and how many mails and webhook requests wait. Erasures wait for a "
        "machine that redirects and fell silent, until it is back or forgotten.",
        examples=_EXAMPLES,
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--json", action="store_true", help="print one JSON object")
    action.add_argument(
        "--forget", metavar="HOST:FOLDER", help="remove a machine that is gone for good, with the clicks in its journal"
    )
    add_data_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print it; 1 when something is wrong."""
    from linkweir.machine_status import collect_status, forget_machine

    with open_data_folder(args) as (settings, database):
        if args.forget is not None:
            try:
                print(_format_forgotten(forget_machine(database, args.forget)))
            except (NotFound, Conflict) as error:
                raise UsageError(f"--forget: {error}; see `linkweir status`") from None
            return 0
        status = collect_status(settings, database)
    print(json.dumps(_to_json(status)) if args.json else "\n".join(_format_status(status)))
    return 0 if status.is_well else 1


def _format_forgotten(machine: "MachineStatus") -> str:
    return (
        f"Forgot {display_path(machine.host)}:{display_path(machine.folder)}, "
        f"silent for {machine.silent_seconds:.0f} seconds.\n"
        f"Its journal held {machine.clicks_waiting} clicks then. They are not counted, and no erasure reaches them: "
        "delete its data folder."
    )


def _to_json(status: "ServiceStatus") -> dict[str, object]:
    machines = [
        {
            **asdict(machine),
            "silent_seconds": None if machine.silent_seconds == float("inf") else machine.silent_seconds,
        }
        for machine in status.machines
    ]
    return {**asdict(status), "machines": machines}


def _format_status(status: "ServiceStatus") -> list[str]:
    lines = [line for machine in status.machines for line in _format_machine(machine)] or ["no machine has started"]
    waiting = f"{status.mails_waiting} mails, {status.webhook_requests_waiting} webhook requests"
    return [*lines, f"waiting: {waiting}"]


def _format_machine(machine: "MachineStatus") -> list[str]:
    lines = [
        f"{display_path(machine.host)}:{display_path(machine.folder)}  linkweir {machine.version}  "
        f"{'well' if not machine.problems else 'NOT WELL'}",
        f"  roles: {', '.join(machine.roles)}",
    ]
    if machine.clicks_waiting is not None:
        lines.append(f"  journal: {machine.clicks_waiting} clicks waiting, {machine.clicks_lost} lost")
    return [*lines, *(f"  {name}: {display_path(state)}" for name, state in machine.problems.items())]
