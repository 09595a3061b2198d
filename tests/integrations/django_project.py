"""A Django project inside the test process: the settings are configured once, each test overrides what it needs."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import linkweir


def configure_django() -> None:
    """Set Django up without a database, unless that was done in this process; skip where it is not installed."""
    django = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            SECRET_KEY="only-for-tests",  # noqa: S106 - signs nothing
            ALLOWED_HOSTS=["*"],
            INSTALLED_APPS=["linkweir.integrations.django", "anymail"],
            MIDDLEWARE=[
                "django.middleware.security.SecurityMiddleware",
                "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
            ],
            LOGGING_CONFIG=None,  # pytest sees to it
            USE_TZ=True,
        )
        django.setup()


def make_urls(patterns: list[Any]) -> ModuleType:
    """A URL configuration with these patterns."""
    module = ModuleType("project_urls")
    module.urlpatterns = patterns  # type: ignore[attr-defined]
    return module


def read_examples(heading: str) -> list[str]:
    """The Python examples below a heading of the manual's page on embedding."""
    page = (Path(linkweir.__file__).parent / "manual" / "embedding.md").read_text("utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
