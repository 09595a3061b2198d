"""`…/domains`: sending domains with tracking host, policy and DKIM key."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, RowMapping

from linkweir.accounts import dkim_keys, domains, host_checks
from linkweir.accounts.domain_names import is_host_name
from linkweir.accounts.domains import TRACKING_FIELDS
from linkweir.accounts.resource_changes import DomainCreate, DomainUpdate
from linkweir.api.endpoint import ACCOUNT_PATH, CREATE_ERRORS, ApiRequest, Operation
from linkweir.api.v2.query_parameters import DomainQuery
from linkweir.api.v2.resource_endpoints import ResourceEndpoints
from linkweir.api.v2.response_types import DnsRecord, DomainResource, from_row, policy_fields
from linkweir.clock import now, rfc3339
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

    def operations(self) -> list[Operation]:
        """Return the operations on domains, and the check of one."""
        check = Operation(
            method="post",
            path=f"{ACCOUNT_PATH}/domains/{{id}}/check",
            summary="Check whether the tracking host of a domain leads here",
            handler=self._check,
            scope="domains:write",
            response=DomainResource,
            errors=CREATE_ERRORS,
            is_extension=True,
        )
        return [*super().operations(), check]

    def _check(self, call: ApiRequest) -> DomainResource:
        services = call.services
        with services.database.read() as connection:
            row = self.get_row(call, connection)
        if row["tracking_subdomain"]:
            found = services.host_checker.check(call.account_id, row["tracking_subdomain"], row["domain"])
            with services.database.write() as connection:
                row = domains.store_check(
                    connection, call.account_id, row, found, now(), add_tracking_host=services.add_tracking_host
                )
        return self.to_resource(call, row)

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
            dns_valid=row["proven_at"] is not None or not call.services.needs_domain_proof,
            last_dns_check_at=rfc3339(row["dns_checked_at"]),
            **{name: policy.get(name) for name in TRACKING_FIELDS},
            **policy_fields(policy),
        )


def _dns_records(call: ApiRequest, row: Mapping[Any, Any]) -> list[DnsRecord]:
    """Return the DNS records to add; `propagated` is what the last check found. A CNAME needs a host name: there is
    none while the base URL has an IP address.
    """
    records = []
    target = call.services.tracking_host
    if row["tracking_subdomain"] and is_host_name(target):
        host, is_found = f"{row['tracking_subdomain']}.{row['domain']}", _is_found(row, "dns_problem")
        records.append(DnsRecord("CNAME", "Tracking", host, target, True, is_found))
        if call.services.needs_domain_proof:
            proof = host_checks.proof_record(call.account_id, row["domain"])
            records.append(DnsRecord("TXT", "Proof", *proof, True, _is_found(row, "proof_problem")))
    if record := dkim_keys.make_txt_record(call.services.vault, row):
        records.append(DnsRecord("TXT", "DKIM", *record, required=False))
    return records


def _is_found(row: Mapping[Any, Any], problem: str) -> bool:
    return row["dns_checked_at"] is not None and row[problem] is None
