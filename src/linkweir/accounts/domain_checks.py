"""Looks at the tracking hosts of all domains again and again, so that one that no longer leads here is noticed.

Such a host goes on serving links: those that were sent are on it, and a name server that fails comes back. What to do
about it is for the account's people to decide, who are told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping
from structlog.typing import FilteringBoundLogger

from linkweir.accounts import domains
from linkweir.accounts.domains import AddTrackingHost
from linkweir.accounts.host_checks import HostChecker
from linkweir.clock import SECOND_US, now
from linkweir.db import domains_table
from linkweir.db.database import Database
from linkweir.errors import DatabaseUnavailable, LinkweirError

RETRY_SECONDS: Final = 900.0  # after a check that found a problem: it may be mended, or have been the network's
WAKE_SECONDS: Final = 60.0  # between two looks for domains to check
MAX_CHECKS: Final = 100  # of one look: each takes some seconds where nobody answers


@dataclass(frozen=True, slots=True)
class DomainChecks:
    """Checks the domains of all accounts by `checker`. `interval`: seconds between two checks of a domain that is well;
    `add_tracking_host` is called for a host that may serve links from now on.
    """

    database: Database
    checker: HostChecker
    add_tracking_host: AddTrackingHost
    interval: float
    log: FilteringBoundLogger

    def check_due(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Check the domains that were last checked `interval` seconds ago, or RETRY_SECONDS ago with a problem, and
        return how many; none while another machine does. Raises DatabaseUnavailable.
        """
        if not self.checker.has_public_target:
            return 0
        with self.database.try_job("domain-checks") as is_acquired:
            due = self._list_due() if is_acquired else ()
            for number, row in enumerate(due):
                if is_stopping():
                    return number
                self._check(row)
            return len(due)

    def _list_due(self) -> Sequence[RowMapping]:
        seconds = (self.interval, min(self.interval, RETRY_SECONDS))
        fine_before, others_before = (now() - round(each * SECOND_US) for each in seconds)
        with self.database.read() as connection:
            return domains_table.list_due(connection, fine_before, others_before, MAX_CHECKS)

    def _check(self, row: RowMapping) -> None:
        account, name = row["account_id"], row["domain"]
        found = self.checker.check(account, row["tracking_subdomain"], name)
        try:
            with self.database.write() as connection:
                checked = domains.store_check(
                    connection, account, row, found, now(), add_tracking_host=self.add_tracking_host
                )
        except DatabaseUnavailable:
            raise
        except LinkweirError as error:  # changed or deleted meanwhile, or one host too many
            self.log.info("domain.not_checked", domain=name, reason=str(error))
            return
        if checked["lost_at"] and not row["lost_at"]:
            self.log.warning("domain.lost", domain=name, reason=found.dns_problem or found.tls_problem)
        elif row["lost_at"] and not checked["lost_at"]:
            self.log.info("domain.found_again", domain=name)
