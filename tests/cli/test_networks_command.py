"""`linkweir networks`: lists of networks from published files."""

import json
from pathlib import Path

from tests.cli.command_runner import CommandRunner


def test_published_files_are_merged_and_shown(linkweir: CommandRunner, tmp_path: Path) -> None:
    """A list is written beside the included entries, and shown with its age."""
    published, output = tmp_path / "cloud.json", tmp_path / "networks.toml"
    published.write_text(json.dumps({"creationTime": "2026-11-01", "prefixes": [{"ipv4Prefix": "34.1.208.0/20"}]}))
    said = linkweir("networks", "update", "--output", output, published).out.decode()
    assert "Google Cloud" in said
    assert "days old" in said
    assert linkweir("networks", "list", output).out.decode() == said


def test_a_file_of_another_form_changes_nothing(linkweir: CommandRunner, tmp_path: Path) -> None:
    """What is no provider's list is refused, and no list is written."""
    published, output = tmp_path / "cloud.json", tmp_path / "networks.toml"
    published.write_text("{}")
    found = linkweir("networks", "update", "--output", output, published)
    assert found.code == 1
    assert "cloud.json" in found.err
    assert not output.exists()
