"""What tests of delivery share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.delivery_harness import DeliveryHarness


@pytest.fixture
def delivery_harness(dialect: str, tmp_path: Path) -> Iterator[DeliveryHarness]:
    """A new one."""
    made = DeliveryHarness(tmp_path)
    yield made
    made.database.close()
