"""`linkweir account`, and what every command says without the packages of its extra."""

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest

from linkweir.error_hints import explain_missing_package
from tests.cli.command_runner import CommandRunner
from tests.web.running_service import WAIT_SECONDS, RunningService, make_request

MISSING_PACKAGES_SCRIPT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sqlalchemy", "starlette", "structlog", "httpx", "orjson", "pyarrow"):
            raise ModuleNotFoundError("gone", name=name)
sys.meta_path.insert(0, Missing())
from linkweir.cli.entry_point import main
sys.exit(main(sys.argv[1:]))
"""
COMMANDS = [
    *("user list", "user add a@b.c", "user password a@b.c", "user remove a@b.c", "api-keys list", "api-keys create x"),
    *("block list", "block add x.example", "account list", "account add x", "rebuild", "serve", "export"),
    *("recipient export a@b.c", "explain 0192aaaa-0000-7000-8000-000000000000"),
    *("api-keys revoke x", "classify x.ndjson"),
]


def test_accounts_are_made_and_separate(linkweir: CommandRunner, tmp_path: Path) -> None:
    """The first account comes with a command in a new folder, further ones too; each key opens its own alone."""
    first = linkweir("account", "add", "First Ltd", "--data", tmp_path)
    second = linkweir("account", "add", "Second Ltd", "--data", tmp_path)
    result = [re.fullmatch(rb"account (\S+)\nAPI key (\S+)\n", item.out) for item in (first, second)]
    assert all(result), first.err + second.err
    created = [(item[1].decode(), item[2].decode()) for item in result if item]
    with RunningService(tmp_path) as served:
        assert served.account == created[0][0]
        for account, key in created:
            for other, _ in created:
                answer = httpx.post(
                    f"{served.url}/v2/accounts/{other}/messages",
                    json=make_request(),
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=WAIT_SECONDS,
                )
                assert answer.status_code == (202 if other == account else 401)
        listed = linkweir("account", "list", "--data", tmp_path).out.decode().splitlines()
        assert [(line.split()[0], line.rpartition("UTC  ")[2]) for line in listed] == [
            (created[0][0], "First Ltd"),
            (created[1][0], "Second Ltd"),
        ]
        assert linkweir("user", "add", "a@b.example", "--account", created[1][0], "--data", tmp_path).code == 0
        nobody = linkweir("user", "add", "c@b.example", "--account", str(uuid.uuid4()), "--data", tmp_path)
        assert nobody.code == 2
        assert "there is no account" in nobody.err


def test_every_command_names_missing_packages(tmp_path: Path) -> None:
    """Without the packages of its extra each command says the same one sentence, with what to install."""
    for words in COMMANDS:
        done = subprocess.run(  # noqa: S603 - our own
            [sys.executable, "-c", MISSING_PACKAGES_SCRIPT, *words.split()],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "LINKWEIR_DATA": str(tmp_path)},
        )
        match = re.fullmatch(r"linkweir: (the package '(\w+)' is not installed; install it with: .*)\n", done.stderr)
        assert match, (words, done.stderr)
        assert match[1] == explain_missing_package(match[2])
        assert done.returncode == 2
    for package, extra in (("sqlalchemy", "service"), ("pyarrow.parquet", "parquet"), ("psycopg", "postgresql")):
        assert explain_missing_package(package).endswith(f"; install it with: pip install 'linkweir[{extra}]'")


@pytest.mark.parametrize("words", [["-o", "-"], ["--output", "-"], []])
def test_a_dash_is_standard_output(linkweir: CommandRunner, tmp_path: Path, words: list[str]) -> None:
    """`-o -` writes there, and makes no file of that name."""
    (tmp_path / "a.html").write_text('<a href="https://example.com/">x</a>')
    base = ("--base-url", "https://t.example.com", "--key-file", tmp_path / "keys")
    done = linkweir("rewrite", tmp_path / "a.html", *words, *base)
    assert done.out.startswith(b'<a href="https://t.example.com/'), done.err
    assert not Path("-").exists()
