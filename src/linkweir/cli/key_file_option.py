"""Where the command finds its key ring: one file per user, made on first use.

Per user and not per folder: links are opened for years, by whoever holds the keys they were made with. A key
file lying in each project folder would be lost, or published with it.
"""

import argparse
import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from linkweir.cli.shared_options import UsageError
from linkweir.errors import BadSwitch
from linkweir.terminal.text import display_path
from linkweir.tokens import KeyRing, keyring_file


def default_path() -> Path:
    """Return the user's own key file: in the configuration folder that the system knows."""
    if sys.platform == "win32":
        folder = os.environ.get("APPDATA") or os.path.expanduser("~")
    else:
        folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(folder, "linkweir", "linkweir.keys")


def add_key_file_option(parser: argparse._ActionsContainer, purpose: str) -> None:
    """Add `--key-file`, whose help says `purpose` becomes of it."""
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help=f"{purpose} (default: {_display_default(default_path())})",
    )


def _display_default(path: Path) -> str:
    """Return `path` as help shows it: from ~ on, and safe from argparse's % formatting."""
    home = os.path.join(os.path.expanduser("~"), "")
    return display_path(str(path)).replace(home, "~/", 1).replace("%", "%%")


def key_file_path(args: argparse.Namespace) -> Path:
    """Return the key file that was named, or the user's own."""
    return args.key_file if args.key_file is not None else default_path()


def load_existing_keyring(args: argparse.Namespace) -> KeyRing:
    """Load the key ring. Raises UsageError when there is none yet, KeyRingError when it can't be trusted."""
    path = key_file_path(args)
    if not path.exists():
        other = "; links of a service open with --data FOLDER" if hasattr(args, "url") else ""
        raise UsageError(
            f"there is no key file {display_path(str(path))}; `linkweir rewrite` creates one, or use --key-file{other}"
        )
    return keyring_file.load(path)


def load_or_create_keyring(path: Path, base_url: str | None, *, dry_run: bool) -> tuple[KeyRing, str]:
    """Return the key ring of `path` and the base URL to use; both are written down there (not in a dry run).

    The base URL is the one given, else the ring's only one. Raises UsageError when that is not to be known.
    """
    known = path.exists()
    if not known and base_url is None:
        raise UsageError("--base-url is required the first time, for example --base-url https://t.example.com")
    ring = keyring_file.load(path) if known else KeyRing.generate(datetime.now(UTC))
    if base_url is None:
        if len(ring.hosts) != 1:
            raise UsageError(f"--base-url is needed: {display_path(str(path))} knows {_format_hosts(ring)}")
        return ring, ring.hosts[0]
    try:
        with_host = ring.with_host(base_url)
    except BadSwitch as error:
        raise UsageError(f"--base-url: {error}") from error
    if dry_run or with_host == ring:
        return with_host, base_url
    if not known:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # another command was first: its ring is the one
            keyring_file.create(path, with_host)
            print(
                f"linkweir: created {display_path(str(path))}; keep it: links open only with this file", file=sys.stderr
            )
    return keyring_file.update(path, lambda ring: ring.with_host(base_url)), base_url


def _format_hosts(ring: KeyRing) -> str:
    return " and ".join(ring.hosts) or "none yet"
