"""The units and proxy configurations that the manual shows are accepted by the programs that they are for."""

import argparse
import dataclasses
import json
import re
import shutil
import socket
import ssl
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from linkweir.server.serve import add_arguments
from linkweir.settings import Settings
from linkweir.tokens import Tracker
from tests.conftest import skip_or_fail
from tests.manual.examples import PAGES, ROOT
from tests.manual.library_examples import examples
from tests.web.running_service import WAIT_SECONDS, RunningService, find_free_port, wait_until

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


def test_caddy_gets_certificates_for_tracking_hosts_only(tmp_path: Path) -> None:
    """Caddy with the manual's file in front of a service: it asks `/tls/ask`, follows links on a host that the service
    knows, and refuses the handshake for any other. Only ports, and the authority that signs, are others here.
    """
    caddy = find_program("caddy")
    with RunningService(tmp_path / "data", base_url="https://t.example.com/c/") as service:
        port = find_free_port()
        options = f"admin off\n\thttps_port {port}\n\thttp_port {find_free_port()}\n\tlocal_certs\n\tskip_install_trust"
        text = block("caddy").replace("127.0.0.1:8025", service.url.removeprefix("http://"))
        (tmp_path / "Caddyfile").write_text(text.replace("{\n", f"{{\n\t{options}\n", 1))
        environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        log = (tmp_path / "log").open("wb")
        with (
            log,
            subprocess.Popen(  # noqa: S603
                [caddy, "run", "--adapter", "caddyfile", "--config", "Caddyfile"],
                cwd=tmp_path,
                env=environment,
                stderr=log,
            ) as process,
        ):
            try:
                tracker = Tracker(service.components.keyring, "https://t.example.com/c/", message=1)
                link = tracker.mint("https://example.com/", 0)
                wait_until(lambda: open_tls(port, "t.example.com", "/healthz") is not None)
                answer = open_tls(port, "t.example.com", urlsplit(link).path)
                assert answer is not None
                assert b" 302 " in answer.partition(b"\r\n")[0]
                assert b"location: https://example.com/\r\n" in answer.lower()
                assert open_tls(port, "other.example.com", "/healthz") is None
            finally:
                process.terminate()
    answers = [line["status"] for line in service.logs if line.get("endpoint") == "allow_certificate"]
    assert (answers[0], answers[-1]) == (200, 404)


def open_tls(port: int, host: str, path: str) -> bytes | None:
    """The response to a GET over TLS for this host; None when the handshake fails. Certificates are not judged."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(request.encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError:
        return None


def test_haproxy_accepts_its_sections(tmp_path: Path) -> None:
    """HAProxy reads the two sections, with a certificate that is made here."""
    certificate = make_certificate(tmp_path)
    (tmp_path / "both.pem").write_bytes(b"".join(path.read_bytes() for path in certificate))
    sections = block("haproxy").replace("/etc/haproxy/certs/", str(tmp_path / "both.pem"))
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"defaults\n    timeout client 1m\n    timeout server 1m\n    timeout connect 5s\n\n{sections}\n")
    run(find_program("haproxy"), "-c", "-f", config)


def test_the_container_starts_the_service() -> None:
    """Each variable of the Containerfile is a setting, its command is one that `linkweir` takes, and its extras exist.

    No image is built here: that needs an engine, and the network.
    """
    text = block("dockerfile")
    variables = re.findall(r"\bLINKWEIR_(\w+)=", text)
    assert len(variables) == 3
    assert {name.lower() for name in variables} <= {field.name for field in dataclasses.fields(Settings)}
    program, *words = json.loads(text.rpartition("\nCMD ")[2])
    assert program.startswith("/opt/linkweir/bin/")
    assert words.pop(0) == "serve"
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    assert parser.parse_args(words).smtp_port == 8587
    (extras,) = re.findall(r"linkweir\[([\w,]+)\]", text)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras.split(",")) <= known.keys()


def find_metric_names(expressions: list[str]) -> set[str]:
    """The metrics that expressions of Prometheus name; labels stand in braces or behind `by`."""
    return set(re.findall(r"\blinkweir_\w+", " ".join(expressions)))


def test_dashboard_and_alert_rules_name_metrics_that_exist(tmp_path: Path) -> None:
    """Both come from a running service, whose metrics have every name in them; promtool, where it is, accepts the
    rules; panels have titles, and stand beside each other.
    """
    with RunningService(tmp_path / "data") as service:
        (entry,) = service.send()
        service.reader.get(service.delivered_links(entry["id"])[0])
        service.wait_until_ingested()
        dashboard = service.reader.get("/docs/grafana-dashboard.json")
        rules = service.reader.get("/docs/alert-rules.yaml")
        exposed = set(re.findall(r"^(linkweir_\w+)", service.reader.get("/metrics").text, re.MULTILINE))
    assert (dashboard.headers["content-type"], rules.headers["content-type"]) == (
        "application/json",
        "application/yaml",
    )
    panels = dashboard.json()["panels"]
    queries = [
        variable["definition"] for variable in dashboard.json()["templating"]["list"] if "definition" in variable
    ]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    named = find_metric_names([*expressions, *queries])
    assert named <= exposed
    assert len(named) >= 20
    assert len({panel["id"] for panel in panels} | {panel["title"] for panel in panels}) == 2 * len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    alerts = [rule for group in yaml.safe_load(rules.text)["groups"] for rule in group["rules"]]
    assert find_metric_names([rule["expr"] for rule in alerts]) <= exposed
    assert {rule["labels"]["severity"] for rule in alerts} == {"critical", "warning"}
    assert all(rule["annotations"]["summary"] for rule in alerts)
    if (promtool := shutil.which("promtool")) is not None:
        (tmp_path / "rules.yaml").write_text(rules.text)
        assert f"{len(alerts)} rules found" in run(promtool, "check", "rules", tmp_path / "rules.yaml")
