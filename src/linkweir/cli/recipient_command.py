"""`linkweir recipient`: hand out or erase everything that a service has stored on one person."""

import argparse
import sys
from typing import TYPE_CHECKING

from linkweir.cli.data_option import add_data_option, open_data_folder
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import now

if TYPE_CHECKING:
    from linkweir.privacy.erasure import ErasureReport

TABLE_LABELS = {
    "outbox": "requests to webhooks",
    "queue": "waiting in the queue",
}  # what tables hold, where names mislead
_EXAMPLES = """\
  linkweir recipient export ada@example.org > ada.json
  linkweir recipient erase ada@example.org bob@example.org --yes
  linkweir recipient erase ada@example.org --yes --data /var/lib/linkweir

The service may be running. Erasure rewrites the database at the end, so that no fragment of an erased row remains;
meanwhile (about a second for 100 MB) the service accepts no mail. Erasure cannot be undone.

Exit codes: 0 erased, 1 not finished: run it again, 2 usage error.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has two of its own, to the parser."""
    parser = add_command(
        commands,
        "recipient",
        summary="export or erase the data about a person (needs linkweir[service])",
        description="Export or erase all data about the people with given e-mail addresses, in all accounts.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    export = add_command(
        actions,
        "export",
        summary="print the data as JSON",
        description="Print every message to an address with its mail, events, clicks, links and webhook requests.",
        examples=_EXAMPLES,
    )
    export.add_argument("email", metavar="EMAIL", help="address (ignores case)")
    export.set_defaults(run=run_export)
    erase = add_command(
        actions,
        "erase",
        summary="erase the data permanently",
        description="Erase every message to these addresses with all its data. Totals remain. Short links in those "
        "mails then answer 410; queued mails are not delivered.",
        examples=_EXAMPLES,
    )
    erase.add_argument("email", metavar="EMAIL", nargs="+", help="addresses (ignores case)")
    erase.add_argument("--yes", action="store_true", help="confirm the erasure, which cannot be undone")
    erase.set_defaults(run=run_erase)
    for action in (export, erase):
        add_data_option(action)


def run_export(args: argparse.Namespace) -> int:
    """Print the JSON."""
    with open_data_folder(args) as (settings, database):
        from linkweir.mail.addresses import normalize_domain
        from linkweir.privacy_requests import open_privacy_requests

        for piece in open_privacy_requests(settings, database).export(normalize_domain(args.email)):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.write(b"\n")
    return 0


def run_erase(args: argparse.Namespace) -> int:
    """Erase, and say what was removed and where copies may be left; 1 when another try would do more."""
    if not args.yes:
        raise UsageError("this erases all data about them permanently: confirm with --yes")
    with open_data_folder(args) as (settings, database):
        from linkweir.mail.addresses import normalize_domain
        from linkweir.privacy.erasure import COPY_LABELS
        from linkweir.privacy_requests import open_privacy_requests

        privacy_requests = open_privacy_requests(settings, database)
        for index, email in enumerate(args.email):
            last = index + 1 == len(args.email)  # the database is written anew once
            done = privacy_requests.erase(normalize_domain(email), now(), limit=None if last else 0, full_scan=True)
            print(f"linkweir: {email}: {_format_erasure(done)}")
    if done.pending_machines:
        names = ", ".join(done.pending_machines)
        print(
            f"linkweir: pending: clicks may wait on {names}: run this again when they are there, or remove those that "
            "never will be with `linkweir status --forget`",
            file=sys.stderr,
        )
        return 1
    if done.remaining_copies:
        locations = ", ".join(COPY_LABELS[location] for location in done.remaining_copies)
        print(
            f"linkweir: copies may be left in {locations}: see linkweir help privacy-and-erasure, What remains",
            file=sys.stderr,
        )
    if done.unfinished:
        why = "clicks wait in the journal that nobody stores, or somebody reads what was there before"
        print(f"linkweir: {why}: run this again", file=sys.stderr)
    return int(done.unfinished)


def _format_erasure(done: "ErasureReport") -> str:
    """What was removed, in words."""
    rows = [f"{count} {TABLE_LABELS.get(name, name)}" for name, count in sorted(done.rows.items()) if count]
    rows += [f"{done.mails} mails in the Maildir"] if done.mails else []
    others = [
        f"{count} {what}"
        for count, what in (
            (done.contents_of_others, "kept mails to others"),
            (done.links_of_others, "links in mails to others"),
            (done.texts_of_others, "texts about others"),
            (done.replies, "remembered replies"),
            (done.sums, "sums"),
        )
        if count
    ]
    return "removed " + (", ".join(rows) or "no message") + (f"; named in {', '.join(others)}" if others else "")
