"""`linkweir keys`: look at the key ring, put a new key into use, take the secrets somewhere safe."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from linkweir.cli.data_option import open_data_folder
from linkweir.cli.key_file_option import add_key_file_option, key_file_path, load_existing_keyring
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.terminal.text import display_path
from linkweir.tokens import Key, KeyRing, keyring_file

if TYPE_CHECKING:
    from linkweir.service_secrets import KeyRingSource

_EXAMPLES = """\
  linkweir keys list
  linkweir keys rotate                         new links use a new key, old links still open
  linkweir keys rotate --data ./linkweir-data  the same for a service, wherever its key ring is
  linkweir keys export --output backup.keys    a file that only you can read
  linkweir keys export --yes | ssh mail 'umask 077; cat > linkweir.keys'
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has three of its own, to the parser."""
    parser = add_command(
        commands,
        "keys",
        summary="list, rotate or export the keys that sign tracking links",
        description="Manage the keys that sign tracking links. A link opens only while its key exists, so keys "
        "are never removed. Only `export` shows secrets.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = add_command(
        actions,
        "list",
        summary="list the keys without their secrets",
        description="List the id and dates of each key, and the hosts of the links. Never shows secrets.",
        examples="  linkweir keys list --json\n",
    )
    listed.add_argument("--json", action="store_true", help="print one JSON object")
    listed.set_defaults(run=run_list)
    rotated = add_command(
        actions,
        "rotate",
        summary="create a new key for new links",
        description="Create a new key for new links. The old key is retired: it signs no new links, but still "
        "opens those it has signed.",
        examples="  linkweir keys rotate --key-file /etc/linkweir/linkweir.keys\n",
    )
    rotated.set_defaults(run=run_rotate)
    exported = add_command(
        actions,
        "export",
        summary="write the whole key ring, with its secrets",
        description="Write the whole key ring with its secrets to a file that only its owner can read, or, with "
        "--yes, to standard output.",
        examples="  linkweir keys export --output backup.keys\n  linkweir keys export --yes > "
        "/mnt/vault/linkweir.keys\n",
    )
    exported.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file to create (mode 0600); must not exist"
    )
    exported.add_argument("--yes", action="store_true", help="confirm printing the secrets on standard output")
    exported.set_defaults(run=run_export)
    for action in (listed, rotated, exported):
        source = action.add_mutually_exclusive_group()
        add_key_file_option(source, "the key ring")
        source.add_argument("--data", type=Path, metavar="FOLDER", help="data folder of a service: use its key ring")


@contextmanager
def _open_source(args: argparse.Namespace) -> "Iterator[KeyRingSource | None]":
    """Where a service has its key ring; None for a file of the user's own."""
    if args.data is None:
        yield None
        return
    from linkweir.service_secrets import choose_keyring_source

    with open_data_folder(args) as (settings, database):
        yield choose_keyring_source(settings, database)


def _load_keyring(args: argparse.Namespace) -> tuple[KeyRing, str]:
    """The ring, and where it is."""
    with _open_source(args) as source:
        if source is None:
            return load_existing_keyring(args), str(key_file_path(args))
        return source.load(), source.name


def run_list(args: argparse.Namespace) -> int:
    """Print the keys and hosts, without secrets."""
    ring, name = _load_keyring(args)
    if args.json:
        keys = [{**_key_to_json(key), "current": key == ring.current} for key in ring.keys]
        print(json.dumps({"file": display_path(name), "keys": keys, "hosts": list(ring.hosts)}))
        return 0
    print(f"{display_path(name)}")
    for key in ring.keys:
        facts = _key_to_json(key)
        state = "current" if key == ring.current else f"retired {facts['retired']}"
        print(f"  key {key.id:<4} created {facts['created']}  {state}")
    for host in ring.hosts:
        print(f"  links at {host}")
    return 0


def _key_to_json(key: Key) -> dict[str, str | int | None]:
    return {"id": key.id, "created": _format_time(key.created), "retired": _format_time(key.retired)}


def _format_time(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="seconds")


def run_rotate(args: argparse.Namespace) -> int:
    """Retire the current key and put a new one in its place."""
    with _open_source(args) as source:
        if source is None:
            load_existing_keyring(args)
            ring, use = keyring_file.update(key_file_path(args), _rotate), "is now in use"
        else:
            ring, use = source.update(_rotate), "comes into use when all processes that redirect have it"
    print(f"linkweir: key {ring.current.id} {use}; {len(ring.keys) - 1} retired still open their links")
    return 0


def _rotate(ring: KeyRing) -> KeyRing:
    return ring.rotate(datetime.now(UTC))


def run_export(args: argparse.Namespace) -> int:
    """Write the ring with its secrets, to a new file of mode 0600 or, with --yes, to standard output."""
    ring, _ = _load_keyring(args)
    if args.output is not None and str(args.output) != "-":
        if args.output.exists():
            raise UsageError(f"{display_path(str(args.output))} exists already; choose another name")
        keyring_file.create(args.output, ring)
        print(
            f"linkweir: {display_path(str(args.output))} holds the secrets of {len(ring.keys)} key(s)",
            file=sys.stderr,
        )
        return 0
    if not args.yes:
        raise UsageError("this prints secrets: confirm with --yes, or use --output FILE for a file of mode 0600")
    sys.stdout.buffer.write(ring.to_json().rstrip(b"\n") + b"\n")
    return 0
