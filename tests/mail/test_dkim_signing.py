"""DKIM signatures, verified as a receiver would."""

import base64
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from linkweir.mail.dkim_signing import make_signature
from tests.web.running_service import RunningService


@pytest.mark.both_databases
def test_mail_of_a_domain_with_a_key_is_signed(tmp_path: Path) -> None:
    """The signature over the rewritten mail verifies with the public key that the domain's DNS record shows."""
    with RunningService(tmp_path / "data") as service:
        created = service.client.post(
            f"{service.account_path}/domains", json={"domain": "example.com", "dkim": "generate"}
        )
        assert created.status_code == 201, created.text
        (record,) = created.json()["dns_records"]
        assert record["host"] == "linkweir._domainkey.example.com"
        (entry,) = service.send()
        service.wait_for_mail(entry["id"])
        raw = next((service.settings.maildir_path / "new").iterdir()).read_bytes()
    asked: list[bytes] = []

    def answer(name: bytes, **_: object) -> bytes:
        asked.append(name)
        return str(record["content"]).encode()

    assert raw.startswith(b"DKIM-Signature:")
    assert dkim.verify(raw, dnsfunc=answer)
    assert asked == [b"linkweir._domainkey.example.com."]
    assert not dkim.verify(raw.replace(b"Hello", b"Hullo"), dnsfunc=answer)


@pytest.mark.both_databases
def test_the_private_key_is_never_shown(tmp_path: Path) -> None:
    """Neither the API nor the database file shows the private key."""
    with RunningService(tmp_path / "data") as service:
        created = service.client.post(
            f"{service.account_path}/domains", json={"domain": "example.com", "dkim": "generate"}
        ).text
        stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("linkweir.db*"))
    assert "PRIVATE" not in created
    assert b"PRIVATE KEY" not in stored


@pytest.mark.both_databases
def test_mail_of_other_domains_is_not_signed(tmp_path: Path) -> None:
    """Without a key nothing is added."""
    with RunningService(tmp_path / "data") as service:
        (entry,) = service.send()
        assert service.wait_for_mail(entry["id"])["dkim-signature"] is None


@pytest.fixture(scope="module")
def dkim_key() -> bytes:
    """A key as the API makes them."""
    created = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    return created.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)


@pytest.mark.parametrize("body", [b" \t" * 3_000_000 + b"x", (b" " * 500 + b"x") * 10_000, b"\r\n" * 500_000 + b"x"])
def test_no_body_takes_for_ever_to_sign(dkim_key: bytes, body: bytes) -> None:
    """Megabytes of white space, over which the library would brood for hours, are signed, and the signature holds."""
    raw = b"From: a@example.com\r\nSubject: x\r\n\r\n" + body
    signed = make_signature(raw, "example.com", "s", dkim_key) + raw
    public = serialization.load_pem_private_key(dkim_key, None).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
    if body.count(b" ") < 1000:  # the library is as slow at verifying
        assert dkim.verify(signed, dnsfunc=lambda *_, **__: record)
    assert (b"c=relaxed/simple" in signed) == (body.count(b" ") > 1000)


@pytest.mark.parametrize("head", [b"Subject: x" + b"\r\n y" * 100_000, b" x", b"x", b"X: y\r\n" * 50_000])
def test_a_header_that_cannot_be_signed_is_an_error(dkim_key: bytes, head: bytes) -> None:
    """Headers without end, without names or without From are errors that the worker knows, and never a hang."""
    with pytest.raises((dkim.DKIMException, ValueError, LookupError)):
        make_signature(head + b"\r\n\r\nx", "example.com", "s", dkim_key)
