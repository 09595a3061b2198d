"""The generated parts of the manual are what the code says now."""

import re
from dataclasses import fields

import pytest
from sqlalchemy import String

from linkweir.clicks.classify import WINDOW_US
from linkweir.clock import SECOND_US
from linkweir.db.dimensions import CLICK_DIMENSIONS, DIMENSIONS, Dimension
from linkweir.manual import references
from linkweir.manual.contents import FOLDER, read_page
from linkweir.manual.references import (
    REFERENCES,
    describe_commands,
    describe_operations,
    describe_settings,
    update_references,
)
from linkweir.settings import PREFIX, SECTIONS, Settings, from_environment

COMMAND = "python -m linkweir.manual.generate"


@pytest.mark.parametrize("topic", REFERENCES)
def test_the_generated_part_is_current(topic: str) -> None:
    """Each generated part is what the generator writes today."""
    text = (FOLDER / f"{topic}.md").read_text(encoding="utf-8")
    assert update_references(topic, text) == text, f"{topic}.md is out of date; run `{COMMAND}`"


def test_every_setting_is_documented() -> None:
    """Each setting has a sentence, and each section begins at a setting."""
    assert {item.name: item.metadata.get("doc", "")[-1:] for item in fields(Settings)} == dict.fromkeys(
        (item.name for item in fields(Settings)), "."
    )
    assert set(SECTIONS) <= {item.name for item in fields(Settings)}
    assert all(f"`{PREFIX}{item.name.upper()}`" in describe_settings() for item in fields(Settings))


def test_defaults_can_be_copied_into_the_environment() -> None:
    """The table writes a default as the variable takes it: lists too, which are not Python's."""
    rows = re.findall(r"^\| `(LINKWEIR_\w+)` \| `([^`]*)` \|", describe_settings(), re.M)
    assert {"LINKWEIR_ROLES", "LINKWEIR_OIDC_SCOPES", "LINKWEIR_HEED_OBJECTIONS"} <= {name for name, _ in rows}
    given = from_environment(dict(rows))
    for name, _ in rows:
        field = name.removeprefix(PREFIX).lower()
        assert getattr(given, field) == getattr(Settings(), field)


def test_the_references_name_commands_and_operations() -> None:
    """The references hold an option of a nested command, an option of `serve`, and fields of a nested object."""
    assert "**`linkweir keys export`**" in describe_commands()
    assert "| `--accept-loss` |" in describe_commands()
    assert "| `recipients[].tracking.click` | body | boolean |" in describe_operations()


def test_a_page_without_its_marks_is_refused() -> None:
    """A page whose generated part cannot be found is not silently left as it is."""
    with pytest.raises(ValueError, match="no generated part"):
        update_references("settings", "# Settings\n")


def test_a_new_dimension_enters_statistics_and_privacy_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dimension that the redirect reads and every mode records appears in the tables of both pages."""
    language = Dimension(
        name="language",
        source="click",
        title="Language",
        unique_flag=1 << 10,
        column_type=String(8),
        from_request=True,
        is_coarse=True,
        disclosure="language",
    )
    monkeypatch.setattr(references, "DIMENSIONS", (*DIMENSIONS, language))
    monkeypatch.setattr(references, "CLICK_DIMENSIONS", (*CLICK_DIMENSIONS, language))
    assert "| `language` | language |  |" in references.describe_dimensions().splitlines()
    modes = references.describe_privacy_modes().splitlines()
    assert [mode.split("`")[1] for mode in modes if "language" in mode] == ["full", "pseudonymous", "anonymous"]


def test_the_manual_says_when_a_verdict_is_settled() -> None:
    """The page on webhooks names the time after which no later click changes a verdict."""
    minutes = WINDOW_US // (60 * SECOND_US)
    assert f"A verdict can change until {minutes} minutes after the click" in read_page("webhooks")
