"""The DKIM key of a domain, as requests set it and as DNS is to publish it. `mail.dkim_signing` signs."""

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import UNSET

from linkweir.accounts.domain_names import DOMAIN_PATTERN
from linkweir.accounts.resource_changes import DomainUpdate
from linkweir.errors import ValidationError
from linkweir.vault import Vault

DEFAULT_SELECTOR = "linkweir"


def parse_key(vault: Vault, change: DomainUpdate) -> dict[str, Any]:
    """The column `dkim_key` if it is to change. Making a key takes a moment: no transaction should wait for it.

    Raises ValidationError.
    """
    if change.dkim and isinstance(change.dkim_private_key, str):
        raise ValidationError("dkim", "cannot be given together with dkim_private_key")
    if change.dkim == "generate":
        return {"dkim_key": vault.seal(_to_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))}
    if isinstance(change.dkim_private_key, str):
        return {"dkim_key": vault.seal(_parse_private_key(change.dkim_private_key))}
    taken_back = change.dkim == "off" or change.dkim_private_key is None
    return {"dkim_key": None} if taken_back else {}


def parse_selector(change: DomainUpdate, stored: str | None, *, has_key: bool) -> str | None:
    """Return the new selector: the requested one, else the stored one; a key always has one.

    Raises ValidationError.
    """
    selector = stored if change.dkim_selector is UNSET else _parse_label(change.dkim_selector)
    return selector or (DEFAULT_SELECTOR if has_key else None)


def _parse_label(text: object) -> str | None:
    label = str(text or "").strip().lower()
    if label and not DOMAIN_PATTERN.fullmatch(label + ".x"):
        raise ValidationError("dkim_selector", "must be one label of letters, digits and hyphens")
    return label or None


def _parse_private_key(text: str) -> bytes:
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
        raise ValidationError("dkim_private_key", "must be an RSA private key of at least 1024 bits, in PEM")
    return _to_pem(key)


def _to_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def make_txt_record(vault: Vault, row: Mapping[Any, Any]) -> tuple[str, str] | None:
    """Return host and content of the TXT record that receivers look up (RFC 6376); None for a domain without a key."""
    if row["dkim_key"] is None or not row["dkim_selector"]:
        return None
    key = serialization.load_pem_private_key(vault.open(row["dkim_key"]), None)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    host = f"{row['dkim_selector']}._domainkey.{row['domain']}"
    return host, "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode("ascii")
