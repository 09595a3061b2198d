"""DKIM signatures, verified as a receiver would."""

from pathlib import Path

import dkim

from tests.edge.serving import Served


def test_mail_of_a_domain_with_a_key_is_signed(tmp_path: Path) -> None:
    """The signature over the rewritten mail verifies with the public key that the domain's DNS record shows."""
    with Served(tmp_path / "data") as service:
        made = service.client.post(f"{service.base}/domains", json={"domain": "example.com", "dkim": "generate"})
        assert made.status_code == 201, made.text
        (record,) = made.json()["dns_records"]
        assert record["host"] == "linkweir._domainkey.example.com"
        (entry,) = service.send()
        service.delivered(entry["id"])
        raw = next((service.settings.maildir_path / "new").iterdir()).read_bytes()
    asked: list[bytes] = []

    def answer(name: bytes, **_: object) -> bytes:
        asked.append(name)
        return str(record["content"]).encode()

    assert raw.startswith(b"DKIM-Signature:")
    assert dkim.verify(raw, dnsfunc=answer)
    assert asked == [b"linkweir._domainkey.example.com."]
    assert not dkim.verify(raw.replace(b"Hello", b"Hullo"), dnsfunc=answer)


def test_the_private_key_is_never_shown(tmp_path: Path) -> None:
    """Neither the API nor the database file shows the private key."""
    with Served(tmp_path / "data") as service:
        made = service.client.post(f"{service.base}/domains", json={"domain": "example.com", "dkim": "generate"}).text
        stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("linkweir.db*"))
    assert "PRIVATE" not in made
    assert b"PRIVATE KEY" not in stored


def test_mail_of_other_domains_is_not_signed(tmp_path: Path) -> None:
    """Without a key nothing is added."""
    with Served(tmp_path / "data") as service:
        (entry,) = service.send()
        assert service.delivered(entry["id"])["dkim-signature"] is None
