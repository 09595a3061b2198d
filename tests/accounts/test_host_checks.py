"""Tests of looking up tracking hosts, against a name server and a TLS server on loopback."""

import ipaddress
import socket
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from linkweir.accounts.host_checks import HostChecker, proof_record
from linkweir.settings import Network
from tests.dns_server import DnsServer

ACCOUNT = uuid.UUID(int=7)
TARGET, HOST, DOMAIN = "t.service.example", "links.shop.example", "shop.example"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server that knows the service's host."""
    with DnsServer() as server:
        server.records[TARGET, "A"] = ["127.0.0.1"]
        yield server


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ({}, "no record was found yet"),
        ({(HOST, "CNAME"): [f"{TARGET}."]}, None),
        ({(HOST, "CNAME"): ["alias.example."], ("alias.example", "CNAME"): [f"{TARGET.upper()}."]}, None),
        ({(HOST, "A"): ["127.0.0.1"]}, None),
        ({(HOST, "A"): ["127.0.0.1", "192.0.2.1"]}, "leads to 127.0.0.1, 192.0.2.1, not to t.service.example"),
        ({(HOST, "CNAME"): ["elsewhere.example."]}, "leads to elsewhere.example, not to t.service.example"),
        ({(HOST, "CNAME"): ["loop.example."], ("loop.example", "CNAME"): ["loop.example."]}, "the DNS did not answer"),
    ],
)
def test_where_a_host_leads(names: DnsServer, records: dict[tuple[str, str], list[str]], problem: str | None) -> None:
    """A CNAME to the service, over others or not, and the service's own addresses are found; everything else is told
    with where it leads.
    """
    names.records |= records
    found = HostChecker(TARGET, tls_port=None, name_servers=[names.address]).check(ACCOUNT, "links", DOMAIN)
    assert (found.dns_problem or "").startswith(problem or "")
    assert (found.dns_problem is None, found.tls_problem) == (problem is None, None)
    assert (found.proof_problem or "").endswith("at _linkweir.shop.example yet")


def test_a_domain_names_its_account(names: DnsServer) -> None:
    """The TXT record is found beside others, and that of another account is not taken for it."""
    name, content = proof_record(ACCOUNT, DOMAIN)
    names.records[name, "TXT"] = ['"v=other"', f'"{content}"']
    checker = HostChecker(TARGET, tls_port=None, name_servers=[names.address])
    assert checker.check(ACCOUNT, "links", DOMAIN).proof_problem is None
    assert checker.check(uuid.UUID(int=8), "links", DOMAIN).proof_problem is not None


def test_an_address_is_no_target(names: DnsServer) -> None:
    """Where the base URL has an IP address or a name that only this machine knows, that is what is told."""
    for target in ("192.0.2.1", "localhost"):
        found = HostChecker(target, tls_port=None, name_servers=[names.address]).check(ACCOUNT, "links", DOMAIN)
        assert (found.dns_problem or "").startswith("LINKWEIR_BASE_URL has to name a public host")


def test_certificates_and_the_guard(names: DnsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is valid for the name is found; another name's, or one of nobody known, is told; an address
    inside is not connected to unless the operator allows its network.
    """
    names.records[HOST, "CNAME"] = [f"{TARGET}."]
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(tmp_path, HOST)))
    with serve_tls(tmp_path) as (port, connections):

        def check(allowed: tuple[Network, ...]) -> str | None:
            checker = HostChecker(TARGET, tls_port=port, allowed=allowed, name_servers=[names.address])
            return checker.check(ACCOUNT, "links", DOMAIN).tls_problem

        assert check(()) == "not checked: 127.0.0.1 is not a public address"
        assert connections == []
        assert check(LOOPBACK) is None
        monkeypatch.delenv("SSL_CERT_FILE")
        assert (check(LOOPBACK) or "").startswith("the certificate is not valid")
        names.records[HOST, "CNAME"] = ["elsewhere.example."]
        assert check(LOOPBACK) == "not checked"
    names.records[HOST, "CNAME"] = [f"{TARGET}."]
    assert (check(LOOPBACK) or "").startswith(f"no connection to 127.0.0.1, port {port}")


def make_certificate(folder: Path, name: str) -> Path:
    """A key and a certificate for this name that signs itself, as `server.pem`."""
    key, at = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + made.public_bytes(encoding))
    return path


@contextmanager
def serve_tls(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """A TLS server with `server.pem`; its port, and who connected."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[str] = []

    def serve() -> None:
        while True:
            try:
                plain, client = listener.accept()
            except OSError:
                return
            connections.append(client[0])
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], connections
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
