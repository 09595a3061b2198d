"""The OpenAPI document against the running service: what it says is what the service does."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from linkweir.api.openapi_document import build_document
from linkweir.api.operations import ROUTES
from tests.databases import DIALECTS, use_dialect
from tests.web.running_service import WAIT_SECONDS, RunningService

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = build_document()
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RunningService]]:
    """A service on each database, for this file, that lets a client ask often."""
    roomy = {"rate_limit": 1e6, "rate_burst": 10**6, "statistics_rate": 1e6, "statistics_burst": 10**6}
    running = {}
    with ExitStack() as stack:
        for dialect in DIALECTS:
            with suppress(pytest.skip.Exception):  # PostgreSQL may be missing; other tests say why
                stack.enter_context(use_dialect(dialect))
                data = tmp_path_factory.mktemp(dialect) / "data"
                running[dialect] = stack.enter_context(RunningService(data, **roomy))
        yield running


def test_every_route_is_described_and_nothing_else() -> None:
    """The paths and methods of the document are those of the API's routes."""
    served_here = {
        (route.path, method.lower()) for route in ROUTES for method in route.methods or () if method != "HEAD"
    }
    described = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == served_here


def test_the_service_gives_the_document(services: dict[str, RunningService]) -> None:
    """`/openapi.json` needs no key and is the document."""
    for service in services.values():
        answer = service.reader.get("/openapi.json")
        assert answer.json() == DOCUMENT
        assert answer.json()["openapi"] == "3.1.0"


def test_fields_that_are_always_null_are_not_described(services: dict[str, RunningService]) -> None:
    """A field that is answered only because the contract has it is in the answer, but not in the document."""
    described = DOCUMENT["components"]["schemas"]["AccountResource"]["properties"]
    for service in services.values():
        answered = service.client.get(service.account_path).json()
        assert set(answered) - set(described) == {"parent_account_id"}
        assert answered["parent_account_id"] is None


@schema.parametrize()
@hypothesis.settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_the_service_conforms_to_the_document(case: Any, services: dict[str, RunningService]) -> None:
    """Whatever the document allows to ask is answered with a status, a type and a shape that the document has, on each
    database.
    """
    if case.headers and "Idempotency-Key" in case.headers:
        del case.headers["Idempotency-Key"]  # a client sends no such header twice by accident
    for dialect, service in services.items():
        if "account_id" in case.path_parameters:
            case.path_parameters["account_id"] = service.account
        headers = {"Authorization": f"Bearer {service.key}", "X-Api-Key": service.key}
        response = case.call(base_url=service.url, headers=headers, timeout=WAIT_SECONDS)
        try:
            case.validate_response(response, checks=CHECKS)
        except Exception as error:
            error.add_note(f"on {dialect}")
            raise
