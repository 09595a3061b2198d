"""The certificate for STARTTLS: the operator's, or one made on first start, which is good for trying out only."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from linkweir.durable_files import replace_file
from linkweir.errors import SettingsError

VALIDITY_YEARS = 10


def make_tls_context(certificate: Path | None, key: Path | None, folder: Path, name: str) -> ssl.SSLContext:
    """A server's TLS context. Raises SettingsError when the files cannot be used."""
    if certificate is None or key is None:
        certificate = key = load_or_create_certificate(folder / "smtp-selfsigned.pem", name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"LINKWEIR_SMTP_CERTIFICATE: cannot use {certificate} with {key}: {error}") from None
    return context


def load_or_create_certificate(path: Path, name: str) -> Path:
    """A self-signed certificate with its key in one file, made when it is missing; readable by its owner only."""
    if path.exists():
        return path
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    names = [x509.DNSName(name), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=365 * VALIDITY_YEARS))
        .add_extension(x509.SubjectAlternativeName(list(dict.fromkeys(names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    replace_file(path, pem + signed.public_bytes(serialization.Encoding.PEM))
    return path
