"""The cluster's certificates, made once, and the kubeconfig that trusts them.

kubectl sends no token over plain HTTP, so even a server on loopback speaks TLS.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, KeyUsage

_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
          "kubernetes.default.svc.cluster.local", "metrics-server.kube-system.svc")  # fmt: skip
_ADDRESSES = ("127.0.0.1", "::1", "10.96.0.1")
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
"""Certificates are valid whatever the (possibly virtual) clock says."""
_VALID_FOR = timedelta(days=365 * 100)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the CA that clients trust, the server's certificate and its key."""

    ca: Path
    certificate: Path
    key: Path


def ensure_tls(state_dir: Path) -> TlsFiles:
    """Return the files in ``state_dir/tls``, made the first time."""
    folder = state_dir / "tls"
    files = TlsFiles(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    if not all(path.exists() for path in (files.ca, files.certificate, files.key)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(files)
    return files


def ensure_client_tls(state_dir: Path, name: str) -> TlsFiles:
    """Return the files of a client that shows a certificate, made the first time.

    The certificate has an authority of its own: whoever trusts that one trusts this client alone.
    """
    folder = state_dir / "tls"
    files = TlsFiles(folder / f"{name}-ca.crt", folder / f"{name}.crt", folder / f"{name}.key")
    if not all(path.exists() for path in (files.ca, files.certificate, files.key)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(files, name)
    return files


def write_kubeconfig(path: Path, *, name: str, server: str, token: str, tls: TlsFiles) -> None:
    """Write a kubeconfig that only its owner can read, with one context called ``name``."""
    ca = base64.b64encode(tls.ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": ca}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
        "current-context": name,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, yaml.safe_dump(config, sort_keys=False).encode())


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once with one that only its owner can read."""
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)


def _make(files: TlsFiles, client: str = "") -> None:
    """Make an authority, and the certificate of the server, or of a client of that name."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("kubelab-ca", ca_key, None, ca_key)
    certificate = _certificate(client or "kube-apiserver", key, ca, ca_key, serves=not client)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(files.key, private)
    write_private(files.certificate, certificate.public_bytes(pem))
    write_private(files.ca, ca.public_bytes(pem))


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    issuer: Certificate | None,
    issuer_key: EllipticCurvePrivateKey,
    *,
    serves: bool = True,
) -> Certificate:
    """Return a certificate; a CA's own where there is no issuer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_FROM + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(_usage(authority=issuer is None), critical=True)
    )
    if issuer is not None and serves:
        alternatives = [
            *map(x509.DNSName, _NAMES),
            *(x509.IPAddress(ip_address(each)) for each in _ADDRESSES),
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if issuer is not None:
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if serves else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, authority: bool) -> KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
