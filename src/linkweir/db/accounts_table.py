"""Statements on accounts, their API keys, and which link key belongs to which account."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Text, bindparam, cast, delete, func, select, update

from linkweir.db.portable_sql import insert
from linkweir.db.schema import accounts, api_keys, domains, link_keys, webhooks

_GET = select(accounts).where(accounts.c.id == bindparam("account"))  # made once: it runs for each request
WILDCARD_SCOPE = "*"  # the scope of keys that are made at the command line


def get_default_account(connection: Connection) -> uuid.UUID | None:
    """The oldest account, or None in a new database."""
    return connection.scalar(select(accounts.c.id).order_by(accounts.c.created_at, accounts.c.id).limit(1))


def create(connection: Connection, account: uuid.UUID, name: str, now: int) -> None:
    """A new account with every kind of tracking off, as the outside contract has it."""
    connection.execute(
        insert(accounts).values(
            id=account,
            name=name,
            website="",
            about="",
            track_opens=False,
            track_clicks=False,
            message_metadata_retention=30,
            message_data_retention=1,
            created_at=now,
            updated_at=now,
        )
    )


def get(connection: Connection, account: uuid.UUID) -> RowMapping | None:
    """One account's row."""
    return connection.execute(_GET, {"account": account}).mappings().first()


def list_all(connection: Connection) -> Sequence[RowMapping]:
    """All accounts, the oldest first."""
    return connection.execute(select(accounts).order_by(accounts.c.created_at, accounts.c.id)).mappings().all()


def list_confirmation_policies(connection: Connection) -> dict[uuid.UUID, dict[str, Any]]:
    """Return the accounts' policies, in which they ask that readers confirm some destinations."""
    some = cast(accounts.c.policy, Text).contains('"confirm"')
    return {row.id: row.policy for row in connection.execute(select(accounts.c.id, accounts.c.policy).where(some))}


def list_internal_networks(connection: Connection) -> dict[uuid.UUID, list[str]]:
    """Return the networks of the accounts' own people, of accounts that have some."""
    some = cast(accounts.c.internal_networks, Text) != "[]"
    statement = select(accounts.c.id, accounts.c.internal_networks).where(some)
    return {row.id: row.internal_networks for row in connection.execute(statement)}


def update_row(connection: Connection, account: uuid.UUID, values: dict[str, Any], now: int) -> None:
    """Set the given columns and nothing else."""
    connection.execute(update(accounts).where(accounts.c.id == account).values(**values, updated_at=now))


def add_api_key(
    connection: Connection,
    account: uuid.UUID,
    *,
    label: str,
    digest: bytes,
    now: int,
    scopes: Iterable[str] = (WILDCARD_SCOPE,),
    ip_allow_list: Iterable[str] = (),
    hint: str = "",
) -> uuid.UUID:
    """Remember an API key by its digest; the key itself is never stored."""
    key_id = uuid.uuid4()
    values = {"id": key_id, "account_id": account, "label": label, "digest": digest, "hint": hint}
    times = {"created_at": now, "updated_at": now}
    limits = {"scopes": list(scopes), "ip_allow_list": list(ip_allow_list)}
    connection.execute(insert(api_keys).values(**values, **times, **limits))
    return key_id


def count_api_keys(connection: Connection, account: uuid.UUID) -> int:
    """Count the API keys of an account."""
    statement = select(func.count()).select_from(api_keys).where(api_keys.c.account_id == account)
    return connection.scalar(statement) or 0


def claim_link_keys(connection: Connection, keys: Mapping[int, bytes | None], account: uuid.UUID) -> None:
    """Give `account` the link keys that nobody owns yet, and note the fingerprints that are not known yet."""
    known = link_key_fingerprints(connection)
    for key_id, fingerprint in keys.items():
        if key_id not in known:
            new = insert(link_keys).values(key_id=key_id, account_id=account, fingerprint=fingerprint)
            connection.execute(new.on_conflict_do_nothing())  # others may meet it at the same moment
        elif known[key_id] is None and fingerprint is not None:
            connection.execute(update(link_keys).where(link_keys.c.key_id == key_id).values(fingerprint=fingerprint))


def delete_other_link_keys(connection: Connection, keys: Mapping[int, bytes]) -> None:
    """Forget the link keys that are none of these: nobody has them any more."""
    for key_id, fingerprint in link_key_fingerprints(connection).items():
        if keys.get(key_id) is None or fingerprint not in (None, keys[key_id]):
            connection.execute(delete(link_keys).where(link_keys.c.key_id == key_id))


def link_key_fingerprints(connection: Connection) -> dict[int, bytes | None]:
    """Link key -> the fingerprint of its secret, where it is known."""
    return {row.key_id: row.fingerprint for row in connection.execute(select(link_keys))}


def list_sealed_samples(connection: Connection) -> list[bytes]:
    """One secret of each kind that only the vault's key opens, and that somebody would miss."""
    columns = (webhooks.c.secret, domains.c.dkim_key)
    samples = [connection.scalar(select(column).where(column.is_not(None)).limit(1)) for column in columns]
    return [bytes(sample) for sample in samples if sample is not None]


def link_key_owners(connection: Connection) -> dict[int, uuid.UUID]:
    """Link key -> the account that clicks on its links count for."""
    return {row.key_id: row.account_id for row in connection.execute(select(link_keys))}


def get_max_retention_days(connection: Connection) -> tuple[int, int]:
    """Return the longest retention of metadata and of content, in days, that any account has set."""
    retention_days = (func.max(accounts.c.message_metadata_retention), func.max(accounts.c.message_data_retention))
    longest = connection.execute(select(retention_days[0], retention_days[1])).one()
    return int(longest[0] or 0), int(longest[1] or 0)
