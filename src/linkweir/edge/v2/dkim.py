"""The DKIM key of a domain, as requests ask for it and as the DNS is to have it. Signing is `mail.sign`'s."""

import base64
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import UNSET
from sqlalchemy import RowMapping

from linkweir.edge.v2.asked import DomainChange
from linkweir.edge.v2.scoped import DOMAIN
from linkweir.errors import BadInput
from linkweir.vault import Vault

SELECTOR = "linkweir"


def wanted_key(vault: Vault, asked: DomainChange) -> dict[str, Any]:
    """The column `dkim_key` if it is to change. Making a key takes a moment: no transaction should wait for it.

    Raises BadInput.
    """
    if asked.dkim and isinstance(asked.dkim_private_key, str):
        raise BadInput("dkim", "cannot be given together with dkim_private_key")
    if asked.dkim == "generate":
        return {"dkim_key": vault.seal(_text(rsa.generate_private_key(public_exponent=65537, key_size=2048)))}
    if isinstance(asked.dkim_private_key, str):
        return {"dkim_key": vault.seal(_checked(asked.dkim_private_key))}
    taken_back = asked.dkim == "off" or asked.dkim_private_key is None
    return {"dkim_key": None} if taken_back else {}


def wanted_selector(asked: DomainChange, kept: str | None, *, has_key: bool) -> str | None:
    """The selector from now on: the one asked for, else the one that is kept; a key always has one.

    Raises BadInput.
    """
    selector = kept if asked.dkim_selector is UNSET else _label(asked.dkim_selector)
    return selector or (SELECTOR if has_key else None)


def _label(text: object) -> str | None:
    word = str(text or "").strip().lower()
    if word and not DOMAIN.fullmatch(word + ".x"):
        raise BadInput("dkim_selector", "must be one label of letters, digits and hyphens")
    return word or None


def _checked(text: str) -> bytes:
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
        raise BadInput("dkim_private_key", "must be an RSA private key of at least 1024 bits, in PEM")
    return _text(key)


def _text(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def record(vault: Vault, row: RowMapping) -> list[dict[str, Any]]:
    """The TXT record that receivers look for; none without a key."""
    if row["dkim_key"] is None or not row["dkim_selector"]:
        return []
    key = serialization.load_pem_private_key(vault.open(row["dkim_key"]), None)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return [
        {
            "type": "TXT",
            "label": "DKIM",
            "host": f"{row['dkim_selector']}._domainkey.{row['domain']}",
            "content": "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode("ascii"),
            "required": False,
            "propagated": False,
        }
    ]
