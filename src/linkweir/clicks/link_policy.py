"""Link policy: operators block destinations; accounts correct some, want others confirmed by the reader, and call
networks their own.

It is held in memory and refreshed every few seconds, so that no redirect waits for the database; while that is
unavailable, the last state stays in force.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

from linkweir.clicks.correction_index import CorrectionIndex, CorrectionLoader
from linkweir.clicks.internal_networks import InternalNetworks
from linkweir.clicks.sealed_links import ResolvedLink
from linkweir.clicks.url_normalization import normalize_url, url_host
from linkweir.clock import now
from linkweir.db import accounts_table, blocklist_table
from linkweir.db.database import Database
from linkweir.errors import BadSwitch, DatabaseUnavailable
from linkweir.html import Switches
from linkweir.html.switches import Pattern

ConfirmationPatterns = Mapping[uuid.UUID, tuple[Pattern, ...]]


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """One state of it. A host that is blocked takes those below it along."""

    blocked_hosts: frozenset[str] = frozenset()
    blocked_destinations: frozenset[str] = frozenset()
    confirm: ConfirmationPatterns = field(default_factory=dict)
    internal_networks: InternalNetworks = field(default_factory=InternalNetworks)
    corrections: CorrectionIndex | None = None  # None: nothing is corrected

    def is_blocked(self, location: str) -> bool:
        """Is nobody to be sent there any more?"""
        if not self.blocked_hosts and not self.blocked_destinations:
            return False
        host = url_host(location)
        if host is None:
            return False
        labels = host.split(".")
        return any(".".join(labels[level:]) in self.blocked_hosts for level in range(len(labels))) or (
            normalize_url(location) in self.blocked_destinations
        )

    def correct(self, link: ResolvedLink) -> ResolvedLink:
        """The link, leading to where its account has corrected it to; nothing is done if nothing is corrected."""
        if self.corrections is not None:
            correction = self.corrections.find(link.opened, link.destination)
            if correction is not None:
                return ResolvedLink(link.opened, link.destination, correction.location, correction.replacement)
        return link

    def accounts_requiring_confirmation(self, destination: str) -> frozenset[uuid.UUID]:
        """The accounts that would want this one confirmed, were it theirs."""
        return frozenset(
            account
            for account, patterns in self.confirm.items()
            if any(pattern.search(destination) for pattern in patterns)
        )


class LinkPolicyCache:
    """Holds `policy` as the database has it. `compile_pattern` makes a customer's pattern safe to run."""

    def __init__(
        self, database: Database, log: FilteringBoundLogger, compile_pattern: Callable[[str], str | Pattern]
    ) -> None:
        self.policy = LinkPolicy()
        self._compile_pattern = compile_pattern
        self._corrections = CorrectionLoader()
        self._database = database
        self._log = log

    def refresh(self) -> None:
        """Read the policy again; it stays as it is while the database is unavailable."""
        try:
            with self._database.read() as connection:
                rows = blocklist_table.list_all(connection)
                policies = accounts_table.list_confirmation_policies(connection)
                internal = accounts_table.list_internal_networks(connection)
                corrections = self._corrections.load(connection, now())
        except DatabaseUnavailable as error:
            self._log.warning("link_policy.database_unavailable", error=str(error))
            return
        kinds = {
            kind: frozenset(row["value"] for row in rows if row["kind"] == kind) for kind in blocklist_table.BLOCK_KINDS
        }
        confirm = {
            account: self._compile_patterns(account, policy.get("confirm")) for account, policy in policies.items()
        }
        self.policy = LinkPolicy(
            kinds["host"],
            kinds["destination"],
            {key: each for key, each in confirm.items() if each},
            InternalNetworks(internal),
            corrections,
        )

    def _compile_patterns(self, account: uuid.UUID, texts: Iterable[str] | None) -> tuple[Pattern, ...]:
        try:
            return Switches(skip=tuple(map(self._compile_pattern, texts or ()))).skip_patterns
        except BadSwitch as error:
            self._log.error("link_policy.bad_pattern", account=str(account), error=str(error))
            return ()
