"""`…/domains`: sending domains with tracking host, policy and DKIM key."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, RowMapping

from linkweir.accounts import dkim_keys, domains
from linkweir.accounts.domain_names import is_host_name
from linkweir.accounts.domains import TRACKING_FIELDS
from linkweir.accounts.resource_changes import DomainCreate, DomainUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import DomainQuery
from linkweir.api.v2.resource_endpoints import ResourceEndpoints
from linkweir.api.v2.response_types import DnsRecord, DomainResource, from_row, policy_fields
from linkweir.clock import now
from linkweir.pagination import PageRequest, RowPage

DkimKey = dict[str, Any]  # the column `dkim_key`, if it changes


class DomainEndpoints(ResourceEndpoints):
    """Domains, by name or id. Links on the host of a deleted domain work as long as its DNS record points here."""

    name, noun = "domains", "domain"
    response = DomainResource
    create_request, update_request = DomainCreate, DomainUpdate
    query = DomainQuery
    is_deleted_per_domain = True

    def load_page(self, call: ApiRequest, connection: Connection, query: DomainQuery, page: PageRequest) -> RowPage:
        return domains.list_domains(connection, call.account_id, page, dns_valid=query.dns_valid)

    def get_row(self, call: ApiRequest, connection: Connection) -> RowMapping:
        return domains.get_domain(connection, call.account_id, call.request.path_params["id"])

    def decode(self, call: ApiRequest, shape: type[Struct]) -> Any:
        request = call.decode(shape)
        assert isinstance(request, DomainUpdate)
        return request, dkim_keys.parse_key(call.services.vault, request)  # generating a key is slow

    def create_row(
        self, call: ApiRequest, connection: Connection, request: tuple[DomainCreate, DkimKey]
    ) -> tuple[RowMapping, None]:
        domain, dkim_key = request
        add_host = call.services.add_tracking_host
        return domains.create_domain(
            connection, call.account_id, domain, now(), add_tracking_host=add_host, dkim_key=dkim_key
        ), None

    def update_row(self, call: ApiRequest, connection: Connection, change: tuple[DomainUpdate, DkimKey]) -> RowMapping:
        name_or_id, add_host = call.request.path_params["id"], call.services.add_tracking_host
        domain, dkim_key = change
        return domains.update_domain(
            connection, call.account_id, name_or_id, domain, now(), add_tracking_host=add_host, dkim_key=dkim_key
        )

    def delete_row(self, call: ApiRequest, connection: Connection) -> None:
        row = self.get_row(call, connection)
        call.principal.require("domains:delete:all", row["domain"])
        domains.delete_domain(connection, row["id"])

    def to_resource(self, call: ApiRequest, row: Mapping[Any, Any]) -> DomainResource:
        policy = row["policy"]
        return from_row(
            DomainResource,
            row,
            dns_records=_dns_records(call, row),
            dns_valid=True,
            **{name: policy.get(name) for name in TRACKING_FIELDS},
            **policy_fields(policy),
        )


def _dns_records(call: ApiRequest, row: Mapping[Any, Any]) -> list[DnsRecord]:
    """Return the DNS records to add; they are not verified. A CNAME needs a host name: there is none while the base URL
    has an IP address.
    """
    records = []
    target = call.services.tracking_host
    if row["tracking_subdomain"] and is_host_name(target):
        records.append(DnsRecord("CNAME", "Tracking", f"{row['tracking_subdomain']}.{row['domain']}", target, True))
    if record := dkim_keys.make_txt_record(call.services.vault, row):
        records.append(DnsRecord("TXT", "DKIM", *record, required=False))
    return records
