"""The fixtures of tests.web that these tests use, too."""

from tests.web.conftest import service

__all__ = ["service"]
