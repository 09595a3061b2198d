"""The options that say what the links hold: those of `linkweir rewrite`, and of the check that judges their length."""

import argparse
import os
import sys
from datetime import UTC, datetime

from linkweir.bulk.tracker_factory import TrackerFactory, is_pattern, list_unknown_fields
from linkweir.cli.shared_options import UsageError
from linkweir.errors import BadSwitch
from linkweir.settings import base_url_of
from linkweir.terminal.text import STDIN
from linkweir.tokens import KeyRing, Privacy, campaign_tags


def add_link_options(parser: argparse.ArgumentParser, *, base_url: str) -> argparse._ArgumentGroup:
    """Add them; the help of `--base-url` differs. Returns their group."""
    group = parser.add_argument_group("contents of the links")
    group.add_argument("--base-url", metavar="URL", help=base_url)
    group.add_argument(
        "--message-id",
        metavar="ID",
        help="message id in the links; a pattern gives each file its own: {stem} is the file's name without suffix, "
        "{sha} 16 hex "
        "digits of its content's SHA-256, {n} the number of a mail in its mailbox (default: no message id)",
    )
    group.add_argument("--campaign", metavar="NAME", help="campaign name or number, for --privacy anonymous")
    group.add_argument(
        "--privacy",
        choices=[str(mode) for mode in Privacy if mode is not Privacy.NONE],
        default=str(Privacy.FULL),
        help="what clicks may reveal; anonymous links contain only the campaign and the link's position "
        "(default: %(default)s)",
    )
    return group


def check_message_id(args: argparse.Namespace) -> None:
    """Raise UsageError for a pattern that cannot be filled in."""
    pattern = args.message_id or ""
    if unknown := list_unknown_fields(pattern):
        raise UsageError(f"--message-id allows {{stem}}, {{sha}} and {{n}}, not {{{unknown[0]}}}")
    if is_pattern(pattern) and STDIN in args.paths:
        raise UsageError("--message-id: standard input has neither {stem} nor {sha}")


def warn_ignored_options(args: argparse.Namespace) -> None:
    """Say what will not be in the links although it was given."""
    anonymous = args.privacy == str(Privacy.ANONYMOUS)
    if args.campaign is not None and not anonymous:
        print("linkweir: only links with --privacy anonymous contain the campaign", file=sys.stderr)
    if args.message_id is not None and anonymous:
        print("linkweir: anonymous links don't contain the message id", file=sys.stderr)


def get_campaign(args: argparse.Namespace) -> str | None:
    """The campaign as links hold it."""
    return args.campaign and (campaign_tags.encode_tag(args.campaign) or args.campaign)


def make_throwaway_trackers(args: argparse.Namespace, ring: KeyRing | None = None) -> TrackerFactory:
    """Whose links are as long as those that `linkweir rewrite` would make; the keys change no length, so that without
    a key ring new ones do, which have made no link. Raises UsageError.
    """
    ring = ring or KeyRing.generate(datetime.now(UTC))
    base_url = args.base_url or (ring.hosts[0] if ring.hosts else base_url_of(os.environ))
    try:
        if args.base_url:
            ring = ring.with_host(base_url)
        return TrackerFactory(
            ring, base_url, message=args.message_id, campaign=get_campaign(args), privacy=Privacy(args.privacy)
        )
    except BadSwitch as error:
        raise UsageError(str(error)) from error
