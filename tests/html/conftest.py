"""Which scanners the link rules are tested on."""

import pytest

from tests.html.implementations import SCANNERS, Scanner


@pytest.fixture(params=SCANNERS, ids=lambda scanner: scanner.name)
def scanner(request: pytest.FixtureRequest) -> Scanner:
    """The twin, then the real one: what holds for one must hold for the other."""
    result: Scanner = request.param
    return result
