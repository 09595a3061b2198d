"""The units and proxy configurations that the manual shows are accepted by the programs that they are for."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.conftest import skip_or_fail
from tests.manual.examples import PAGES, examples

PAGE = (PAGES / "operations.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one block of this language."""
    (result,) = [example.text for example in examples(PAGE) if example.language == language]
    return result


def find_program(name: str) -> str:
    """Where it is installed; the test is skipped, or fails where nothing may be missing."""
    return shutil.which(name) or skip_or_fail(f"{name} is not installed")


def run(*command: str | Path) -> str:
    """What a command that succeeds prints."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key in this folder."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    files: list[str | Path] = ["-keyout", key, "-out", certificate, "-subj", "/CN=t.example.com"]
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files)
    return certificate, key


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """systemd knows each line of the unit; only the program's path is another one here."""
    text = re.sub(r"ExecStart=\S+/linkweir", f"ExecStart={shutil.which('true')}", block("ini"))
    (tmp_path / "linkweir.service").write_text(text.replace("User=linkweir", "User=root"))
    said = run(find_program("systemd-analyze"), "verify", "--man=no", tmp_path / "linkweir.service")
    assert "linkweir.service" not in said, said


def test_nginx_accepts_the_server(tmp_path: Path) -> None:
    """nginx reads the server block, with a certificate that is made here."""
    make_certificate(tmp_path)
    server = re.sub(r"/etc/letsencrypt/\S+/fullchain.pem", f"{tmp_path}/cert.pem", block("nginx"))
    server = re.sub(r"/etc/letsencrypt/\S+/privkey.pem", f"{tmp_path}/key.pem", server)
    config = tmp_path / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
    config.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{folders}{server}}}\n")
    run(find_program("nginx"), "-t", "-e", tmp_path / "error.log", "-c", config)


def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    """Caddy reads the file and finds it in its own format."""
    file = tmp_path / "Caddyfile"
    file.write_text(block("caddy"))
    run(find_program("caddy"), "validate", "--adapter", "caddyfile", "--config", file)
    run(find_program("caddy"), "fmt", file)


def test_haproxy_accepts_its_sections(tmp_path: Path) -> None:
    """HAProxy reads the two sections, with a certificate that is made here."""
    certificate = make_certificate(tmp_path)
    (tmp_path / "both.pem").write_bytes(b"".join(path.read_bytes() for path in certificate))
    sections = block("haproxy").replace("/etc/haproxy/certs/", str(tmp_path / "both.pem"))
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"defaults\n    timeout client 1m\n    timeout server 1m\n    timeout connect 5s\n\n{sections}\n")
    run(find_program("haproxy"), "-c", "-f", config)
