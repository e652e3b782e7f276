"""What a node shows to the world: a self-signed certificate that says nothing (protocol.md 3)."""

import datetime
import hashlib
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from masq_kernel.entropy import Entropy

__all__ = ["ShownCertificate", "dialler_context", "make_certificate"]

VALIDITY = datetime.timedelta(days=90)
"""As web servers' certificates have today; ours is replaced every day regardless."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertificate:
    """The listener's certificate of the day.

    Args:
        context: serves it over TLS 1.3 only.
        sha256: of its DER form, 32 bytes; what link proofs are bound to.
    """

    context: ssl.SSLContext
    sha256: bytes


def make_certificate(now: datetime.datetime, entropy: Entropy) -> ShownCertificate:
    """Return a fresh certificate with a random name, like those of countless small hosts."""
    key = ec.generate_private_key(ec.SECP256R1())
    label = "".join(entropy.choice(_LETTERS) for _ in range(8 + entropy.below(8)))
    host = f"{label}.{entropy.choice(('com', 'net', 'org'))}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    begin = now - datetime.timedelta(hours=1 + entropy.below(240))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(entropy.token(16), "big") >> 1)
        .not_valid_before(begin)
        .not_valid_after(begin + VALIDITY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    context = _listener_context(key, certificate)
    return ShownCertificate(context=context, sha256=hashlib.sha256(der).digest())


def _listener_context(
    key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # a resumed session would not show the certificate
    context.set_alpn_protocols(["http/1.1"])
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    # The ssl module reads files only; this one lives for one call, in a directory of ours (0700).
    with tempfile.TemporaryDirectory(prefix="masq-") as directory:
        path = Path(directory) / "shown.pem"
        path.touch(mode=0o600)
        path.write_bytes(pem)
        context.load_cert_chain(path)
    return context


def dialler_context() -> ssl.SSLContext:
    """Return the context of diallers: TLS 1.3, any certificate, since link proofs bind to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
