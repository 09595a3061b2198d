"""How far an account is set up: the first steps of a new one, each known from the data. Sample data counts nowhere."""

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection

from linkweir.db import (
    accounts_table,
    aggregate_queries,
    dashboard_queries,
    domains_table,
    smtp_credentials_table,
    user_links_table,
    users_table,
)
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.db.sample_data import SAMPLE_DOMAIN
from linkweir.stats.campaign_reports import load_counts
from linkweir.stats.periods import MAX_HOUR, MIN_HOUR


@dataclass(frozen=True, slots=True)
class SetupProgress:
    """Whether an account has an API key or SMTP credential, accepted a message, recorded a click, has a domain, and has
    or invited a second user.
    """

    has_key: bool
    has_mail: bool
    has_click: bool
    has_domain: bool
    has_colleague: bool

    @property
    def is_in_use(self) -> bool:
        """Whether mail was sent and a link followed."""
        return self.has_mail and self.has_click

    @property
    def is_complete(self) -> bool:
        """Whether every step is done."""
        return self.is_in_use and self.has_key and self.has_domain and self.has_colleague


def load_setup_progress(connection: Connection, account: uuid.UUID, now: int) -> SetupProgress:
    """Return how far the account is set up; `now` in microseconds since 1970."""
    ever, sample = (AggregateRange(account, scope, MIN_HOUR, MAX_HOUR) for scope in ("", f"sender:{SAMPLE_DOMAIN}"))
    sent, sample_sent = (aggregate_queries.sum_sent(connection, span)[0] for span in (ever, sample))
    has_click = load_counts(connection, ever).total > 0
    if has_click and sample_sent:  # sums cannot tell: anonymous clicks of the sample data have no sender
        has_click = dashboard_queries.has_hits_beside_samples(connection, account)
    users = users_table.count(connection, account) + len(user_links_table.list_invitations(connection, account, now))
    keys = accounts_table.count_api_keys(connection, account) + smtp_credentials_table.count(connection, account)
    return SetupProgress(
        has_key=keys > 0,
        has_mail=sent > sample_sent,
        has_click=has_click,
        has_domain=domains_table.count(connection, account) > 0,
        has_colleague=users > 1,
    )
