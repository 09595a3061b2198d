"""System checks: `manage.py check` says what is wrong with the setting `LINKWEIR`, and what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404, resolve

from linkweir.integrations.django.django_settings import DjangoSettings, find_errors, load_settings
from linkweir.integrations.django.link_views import follow_link
from linkweir.tokens import KeyFile

SAMPLE_TOKEN = "A" * 40


def check_settings(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """E001: no dict; E002: unknown key; E003: keys; E004: base URL; E005: backend; E006: other values.

    W001: the key file does not exist yet.
    """
    del app_configs, options
    result = [Error(error.text, hint=error.hint, id=f"linkweir.{error.id}") for error in find_errors()]
    keys = None if result else load_settings().key_ring
    if isinstance(keys, KeyFile) and not os.path.exists(keys.path):
        hint = "The first mail creates it. Give it to every server of the project: other keys do not open its links."
        result.append(Warning(f"The key file {keys.path} does not exist yet.", hint=hint, id="linkweir.W001"))
    return result


def check_urls(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """W002: the base URL does not lead to the view of this project."""
    del app_configs, options
    loaded = _load_valid_settings()
    if loaded is None:
        return []
    path = urlsplit(loaded.base_url).path
    try:
        is_served = resolve(path + SAMPLE_TOKEN).func is follow_link
    except Resolver404:
        is_served = False
    if is_served:
        return []
    text = f"No URL of this project follows the links below LINKWEIR['BASE_URL'], {loaded.base_url}."
    hint = f'Add path("{path[1:]}", include("linkweir.integrations.django.urls")), unless another host follows them.'
    return [Warning(text, hint=hint, id="linkweir.W002")]


def check_deployment(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """W003, with --deploy: the base URL is not https."""
    del app_configs, options
    loaded = _load_valid_settings()
    if loaded is None or loaded.base_url.startswith("https://"):
        return []
    hint = "Readers' browsers warn of such links, and networks on the way read them."
    return [Warning("LINKWEIR['BASE_URL'] does not begin with https://.", hint=hint, id="linkweir.W003")]


def _load_valid_settings() -> DjangoSettings | None:
    """The settings, unless `check_settings` reports them."""
    try:
        return load_settings()
    except ImproperlyConfigured:
        return None
