"""`linkweir secrets`: the secrets that the database of a service holds for all its machines, under a master key."""

import argparse
import sys
from pathlib import Path

from linkweir.cli.data_option import add_data_option, open_data_folder
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import rfc3339

_EXAMPLES = """\
  linkweir secrets list
  umask 077; openssl rand -base64 32 > new.key
  linkweir secrets reseal --new-key-file new.key     then give the new key to all machines

The master key is LINKWEIR_MASTER_KEY, or in the file that LINKWEIR_MASTER_KEY_FILE names.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has two of its own, to the parser."""
    parser = add_command(
        commands,
        "secrets",
        summary="list or re-seal the secrets that the database holds (needs linkweir[service])",
        description="With a master key, the database of a service holds its key ring and its vault key, sealed. "
        "No secret is ever shown.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = add_command(
        actions,
        "list",
        summary="list the secrets, and check that the master key opens them",
        description="List the name and the last change of each secret. Fails if the master key does not open one.",
        examples=_EXAMPLES,
    )
    listed.set_defaults(run=run_list)
    resealed = add_command(
        actions,
        "reseal",
        summary="seal the secrets under a new master key",
        description="Seal all secrets under a new master key, in one transaction. Services that run go on; each needs "
        "the new master key before it is started again or the key ring changes.",
        examples=_EXAMPLES,
    )
    resealed.add_argument(
        "--new-key-file", type=Path, metavar="FILE", required=True, help="file that holds the new master key"
    )
    resealed.set_defaults(run=run_reseal)
    for action in (listed, resealed):
        add_data_option(action)


def run_list(args: argparse.Namespace) -> int:
    """One line for each secret. Raises VaultError for one that the master key does not open."""
    from linkweir.service_secrets import SealedSecrets, uses_master_key

    with open_data_folder(args) as (settings, database):
        if not uses_master_key(settings):
            raise UsageError("neither LINKWEIR_MASTER_KEY nor LINKWEIR_MASTER_KEY_FILE is set")
        for name, updated_at in SealedSecrets(database, settings).list_names():
            print(f"{name:<12} changed {rfc3339(updated_at)}")
    return 0


def run_reseal(args: argparse.Namespace) -> int:
    """Seal under the new key. Raises SettingsError for a key that is none, VaultError for the wrong present one."""
    from linkweir.service_secrets import SealedSecrets, parse_master_key, read_master_key, uses_master_key

    with open_data_folder(args) as (settings, database):
        if not uses_master_key(settings):
            raise UsageError("neither LINKWEIR_MASTER_KEY nor LINKWEIR_MASTER_KEY_FILE is set")
        new = parse_master_key(read_master_key(args.new_key_file), "--new-key-file")
        names = SealedSecrets(database, settings).reseal(new)
    print(f"linkweir: sealed anew: {', '.join(names) or 'nothing is stored'}", file=sys.stderr)
    return 0
