"""The fixtures of tests.stats that these tests use, too."""

from tests.stats.conftest import account, database

__all__ = ["account", "database"]
