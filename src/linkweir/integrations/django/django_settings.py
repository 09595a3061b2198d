"""The setting `LINKWEIR` of a Django project: its keys, their checks and what they mean."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from linkweir.errors import BadSwitch, KeyRingError
from linkweir.html import Switches
from linkweir.tokens import KeyFile, KeyRing, KeyVariable, Privacy, Tracker
from linkweir.tokens.base_urls import normalize_base_url
from linkweir.tokens.identifiers import validate_id

OWN_BACKEND = "linkweir.integrations.django.EmailBackend"
KEY_SETTINGS = ("KEY_FILE", "KEY_VARIABLE", "KEY_RING")
DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(KEY_SETTINGS),
    "BASE_URL": None,
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "EMAIL_BACKEND_OPTIONS": {},
    "PRIVACY": "full",
    "CAMPAIGN": None,
    "OPT_OUT": (),
    "SKIP": (),
    "OUTLOOK": False,
    "HONOR_OPT_OUT": True,
}
LINK_MODES = (Privacy.FULL, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS)  # in mode none no link is replaced


@dataclass(frozen=True, slots=True)
class SettingError:
    """Why the setting cannot be used. `id`: of the system check; `hint`: what to do."""

    id: str
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class DjangoSettings:
    """The setting as the backend and the views use it."""

    key_ring: KeyRing | KeyFile | KeyVariable
    base_url: str
    email_backend: str
    email_backend_options: Mapping[str, Any]
    privacy: Privacy
    campaign: str | int | None
    switches: Switches
    honor_opt_out: bool


def load_settings() -> DjangoSettings:
    """Return the project's settings. Raises ImproperlyConfigured with the first error and its hint."""
    for error in find_errors():
        raise ImproperlyConfigured(f"{error.text} {error.hint} (linkweir.{error.id})")
    values = _read_values()
    return DjangoSettings(
        key_ring=_load_keys(values),
        base_url=normalize_base_url(values["BASE_URL"]),
        email_backend=values["EMAIL_BACKEND"],
        email_backend_options=values["EMAIL_BACKEND_OPTIONS"],
        privacy=Privacy(values["PRIVACY"]),
        campaign=values["CAMPAIGN"],
        switches=_make_switches(values),
        honor_opt_out=values["HONOR_OPT_OUT"],
    )


def find_errors() -> Iterator[SettingError]:
    """Find what is wrong with the setting; reads the key file or variable."""
    setting = getattr(settings, "LINKWEIR", None)
    if not isinstance(setting, Mapping):
        hint = 'Set LINKWEIR = {"KEY_FILE": "…", "BASE_URL": "https://…"}.'
        yield SettingError("E001", f"The setting LINKWEIR must be a dict, not {type(setting).__name__}.", hint)
        return
    yield from _find_unknown_keys(setting)
    values = _read_values()
    yield from _find_key_ring_error(values)
    yield from _find_base_url_error(values)
    yield from _find_backend_error(values)
    yield from _find_link_option_errors(values)


def _read_values() -> dict[str, Any]:
    return {**DEFAULTS, **settings.LINKWEIR}


def _find_unknown_keys(setting: Mapping[Any, Any]) -> Iterator[SettingError]:
    for name in setting:
        if name not in DEFAULTS:
            near = difflib.get_close_matches(str(name).upper(), DEFAULTS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Allowed are {', '.join(DEFAULTS)}."
            yield SettingError("E002", f"LINKWEIR has no key {name!r}.", hint)


def _find_key_ring_error(values: Mapping[str, Any]) -> Iterator[SettingError]:
    given = [name for name in KEY_SETTINGS if values[name] is not None]
    if len(given) != 1:
        text = f"LINKWEIR must have one of {', '.join(KEY_SETTINGS)}, not {' and '.join(given) or 'none'}."
        yield SettingError("E003", text, "The same keys must make the links and follow them.")
        return
    try:
        keys = _load_keys(values)
        if isinstance(keys, KeyVariable) or (isinstance(keys, KeyFile) and os.path.exists(keys.path)):
            keys.load()
    except (KeyRingError, TypeError) as error:
        yield SettingError("E003", f"LINKWEIR[{given[0]!r}] cannot be used: {error}.", "Old keys follow old links.")


def _load_keys(values: Mapping[str, Any]) -> KeyRing | KeyFile | KeyVariable:
    if values["KEY_FILE"] is not None:
        return KeyFile(values["KEY_FILE"])
    if values["KEY_VARIABLE"] is not None:
        return KeyVariable(values["KEY_VARIABLE"])
    return KeyRing.from_json(values["KEY_RING"])


def _find_base_url_error(values: Mapping[str, Any]) -> Iterator[SettingError]:
    hint = "Give the address at which the URLs of linkweir.integrations.django.urls are included."
    try:
        normalize_base_url(values["BASE_URL"])
        if isinstance(values["KEY_VARIABLE"], str):
            with contextlib.suppress(KeyRingError):  # which is an error of its own
                Tracker(KeyVariable(values["KEY_VARIABLE"]), values["BASE_URL"])
    except TypeError:
        yield SettingError("E004", f"LINKWEIR['BASE_URL'] must be text, not {values['BASE_URL']!r}.", hint)
    except BadSwitch as error:
        yield SettingError("E004", f"LINKWEIR['BASE_URL'] cannot be used: {error}.", hint)


def _find_backend_error(values: Mapping[str, Any]) -> Iterator[SettingError]:
    name = values["EMAIL_BACKEND"]
    hint = "Give the backend that sends the mail after its links were replaced."
    if not isinstance(values["EMAIL_BACKEND_OPTIONS"], Mapping):
        yield SettingError("E005", "LINKWEIR['EMAIL_BACKEND_OPTIONS'] must be a dict.", "It is passed to the backend.")
    try:
        backend = import_string(name)
    except (ImportError, AttributeError, TypeError) as error:
        yield SettingError("E005", f"LINKWEIR['EMAIL_BACKEND'] {name!r} cannot be imported: {error}.", hint)
        return
    if backend is import_string(OWN_BACKEND):
        yield SettingError("E005", "LINKWEIR['EMAIL_BACKEND'] is Linkweir's own backend, which would not end.", hint)


def _find_link_option_errors(values: Mapping[str, Any]) -> Iterator[SettingError]:
    modes = ", ".join(mode.value for mode in LINK_MODES)
    if values["PRIVACY"] not in list(LINK_MODES):
        yield SettingError("E006", f"LINKWEIR['PRIVACY'] is {values['PRIVACY']!r}.", f"Allowed are {modes}.")
    try:
        validate_id(values["CAMPAIGN"], "LINKWEIR['CAMPAIGN']")
        _make_switches(values)
    except (BadSwitch, TypeError) as error:
        yield SettingError("E006", f"LINKWEIR has a value that cannot be used: {error}.", "See the manual, Rewriting.")
    for name in ("OUTLOOK", "HONOR_OPT_OUT"):
        if not isinstance(values[name], bool):
            yield SettingError("E006", f"LINKWEIR[{name!r}] is {values[name]!r}.", "Allowed are True and False.")


def _make_switches(values: Mapping[str, Any]) -> Switches:
    return Switches(
        opt_out=_to_tuple("OPT_OUT", values["OPT_OUT"]),
        skip=_to_tuple("SKIP", values["SKIP"]),
        outlook=values["OUTLOOK"] is True,
    )


def _to_tuple(name: str, value: Iterable[Any]) -> tuple[Any, ...]:
    """Return a list's items, which are texts or, of SKIP, compiled patterns. Raises TypeError."""
    items = () if isinstance(value, str | bytes) else tuple(value)
    if isinstance(value, str | bytes) or not all(isinstance(item, str) or hasattr(item, "search") for item in items):
        raise TypeError(f"{name} must be a list of texts, not {value!r}")
    return items
