"""Tests of linkweir.server.serve: which ports it takes for SMTP."""

import argparse
import smtplib
import ssl
from pathlib import Path
from typing import Any

import pytest

from linkweir.server import serve
from linkweir.server.startup_banner import print_startup_banner
from linkweir.settings import Settings
from tests.test_app import run_service
from tests.test_service_secrets import make_service
from tests.web.running_service import WAIT_SECONDS


@pytest.mark.parametrize(
    ("words", "settings", "smtp", "smtps"),
    [
        ([], {}, serve.SMTP_PORT, serve.SMTPS_PORT),
        ([], {"port": 0}, 0, 0),
        (["--smtp-port", "0"], {}, 0, 0),
        ([], {"smtp_port": 2587}, 2587, None),  # a second service of the host: its other port is its own to choose
        ([], {"smtp_port": 2587, "smtps_port": 2465}, 2587, 2465),
        (["--smtps-port", "2466"], {"smtp_port": 2587, "smtps_port": 2465}, 2587, 2466),
        (["--smtp-port", "-1"], {"smtp_port": 2587}, None, None),
        (["--smtps-port", "-1"], {"smtps_port": 2465}, serve.SMTP_PORT, None),
        (["--smtp-port", "-1", "--smtps-port", "0"], {}, None, 0),
    ],
)
def test_which_ports(
    tmp_path: Path, words: list[str], settings: dict[str, int], smtp: int | None, smtps: int | None
) -> None:
    """Both are on by default; what is named wins, the command line over settings, and -1 is off."""
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    given = Settings(data=tmp_path, **settings)  # type: ignore[arg-type]
    args = parser.parse_args(words)
    result = serve._choose_smtp_port(args, given)
    assert (result, serve._choose_smtps_port(args, given, result)) == (smtp, smtps)


def test_both_ports_are_printed_and_work(tmp_path: Path) -> None:
    """What `linkweir serve` prints is enough to sign in on either port."""
    with run_service(tmp_path / "data") as process:
        starttls = process.wait_for_match(r"SMTP +127\.0\.0\.1 port (\d+) \(STARTTLS\) and")
        implicit = process.wait_for_match(r"and port (\d+) \(implicit TLS\), AUTH PLAIN or LOGIN")
        name, password = (
            process.wait_for_match(r"username (\S+)"),
            process.wait_for_match(r"username \S+ +password (\S+)"),
        )
        trusted = ssl.create_default_context(cafile=str(tmp_path / "data" / "smtp-selfsigned.pem"))
        with smtplib.SMTP("localhost", int(starttls), timeout=WAIT_SECONDS) as client:
            client.starttls(context=trusted)
            assert client.login(name, password)[0] == 235
        with smtplib.SMTP_SSL("localhost", int(implicit), timeout=WAIT_SECONDS, context=trusted) as client:
            assert client.login(name, password)[0] == 235


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"roles": ("redirect",), "click_transport": "postgresql", "database": "postgresql://db.example/linkweir"},
            ["Linkweir", "Roles", "Account", "Data", "Processes"],
        ),
        ({"roles": ("deliver",)}, ["Linkweir", "Roles", "Account", "Data", "Outbox", "Processes"]),
        ({"roles": ("deliver",), "transport": "discard"}, ["Linkweir", "Roles", "Account", "Data", "Processes"]),
    ],
)
def test_a_machine_prints_what_its_roles_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, Any], expected: list[str]
) -> None:
    """One without dashboard, API, SMTP or Maildir names none of them, and no account while it does not know it."""
    print_startup_banner(
        make_service(Settings(data=tmp_path, **settings)), "http://localhost", create_key=False, workers=2
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == expected
    assert f"Roles         {settings['roles'][0]}" in lines
    assert not any("None" in line for line in lines)
    rest = "delivery" if settings["roles"] == ("deliver",) else "the rest"
    assert any(f"2 for HTTP, 1 for {rest} (" in line for line in lines)
