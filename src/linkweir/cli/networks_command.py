"""`linkweir networks`: the list of networks that verdicts use, brought up to date from files of cloud providers."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from linkweir import durable_files
from linkweir.cli.shared_options import SubcommandParsers, add_command
from linkweir.terminal.text import display_path, escape_unprintable

_EXAMPLES = """\
  linkweir networks update --output networks.toml ip-ranges.json ServiceTags_Public.json cloud.json
  linkweir networks list networks.toml
  LINKWEIR_NETWORKS=networks.toml linkweir serve

The files are those that AWS (ip-ranges.json), Azure (ServiceTags_Public_*.json), Google (cloud.json) and Oracle
(public_ip_ranges.json) publish. Nothing is downloaded. A running service reloads the file within seconds.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has two of its own, to the parser."""
    parser = add_command(
        commands,
        "networks",
        summary="update the list of scanner and data-centre networks that verdicts use",
        description="Maintain the list of networks of scanners and data centres that verdicts use. Cloud providers "
        "publish theirs as files; `update` merges them with the included list.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    update = add_command(
        actions,
        "update",
        summary="merge published files with a list",
        description="Merge published files with the included list, or with the one that --merge names.",
        examples=_EXAMPLES,
    )
    update.add_argument("files", metavar="FILE", type=Path, nargs="+", help="a provider's JSON file")
    update.add_argument("--output", metavar="LIST", type=Path, required=True, help="where to write the list")
    update.add_argument("--merge", metavar="LIST", type=Path, help="your own list, used in place of the included one")
    update.set_defaults(run=run_update)
    show = add_command(
        actions,
        "list",
        summary="show the networks of a list and their age",
        description="Show the networks of a list, how many ranges each has, and how old they are.",
        examples=_EXAMPLES,
    )
    show.add_argument("file", metavar="LIST", type=Path, nargs="?", help="the list (default: the included one)")
    show.set_defaults(run=run_list)


def run_update(args: argparse.Namespace) -> int:
    """Write the merged list, and show it."""
    from linkweir.clicks import published_networks

    included = published_networks.load_entries(args.merge)
    merged = published_networks.merge_entries(
        included, [published_networks.load_published(path) for path in args.files]
    )
    durable_files.replace_file(args.output, published_networks.format_entries(merged).encode())
    args.output.chmod(0o644)  # the service may run as another user, and nothing here is secret
    return _print_entries(args.output)


def run_list(args: argparse.Namespace) -> int:
    """Show the networks, a line each."""
    return _print_entries(args.file)


def _print_entries(path: Path | None) -> int:
    from linkweir.clicks import published_networks

    today = datetime.now(UTC).date()
    print(display_path(str(path)) if path else "the included list")
    for entry in published_networks.load_entries(path):
        age = entry.age_days(today)
        age_text = "age unknown" if age is None else f"{max(0, age)} days old"
        line = f"  {entry.name:<24} {entry.network_class:<9} {len(entry.ranges):6} ranges  {age_text}"
        print(escape_unprintable(line))
    return 0
