"""The fixtures of tests.stats that these tests use, too."""

from tests.stats.conftest import account, store

__all__ = ["account", "store"]
