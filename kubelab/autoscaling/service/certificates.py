"""The certificate that the service shows, checked before it is shown to anyone."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubelab.clock import Clock
from kubelab.errors import KubelabError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

logger = logging.getLogger(__name__)


class CertificateError(KubelabError, ValueError):
    """A certificate or key that cannot be used.

    Attributes
    ----------
    path : Path
        The file.
    problem : str
        What is wrong with it.
    """

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path} {problem}. {remedy}")


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's certificate chain and its key, as PEM."""

    chain: bytes
    key: bytes
    names: tuple[str, ...] = ()
    expires: datetime | None = None


def load(certificate: Path, key: Path, now: datetime) -> Identity:
    """Read and check a certificate and its key.

    Raises
    ------
    CertificateError
        If a file is missing or no PEM, if the certificate is expired or not valid yet, names no host, or is
        of another key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    chain, key_pem = _read(certificate, "certificate"), _read(key, "key")
    try:
        found = x509.load_pem_x509_certificate(chain)
    except ValueError as error:
        raise CertificateError(certificate, f"is no PEM certificate ({error})", "Give one.") from None
    try:
        private = load_pem_private_key(key_pem, None)
    except (ValueError, TypeError) as error:
        raise CertificateError(key, f"is no PEM key without a passphrase ({error})", "Give one.") from None
    _check_time(certificate, found, now)
    if private.public_key() != found.public_key():
        raise CertificateError(key, f"is not the key of {certificate}", "Give the key it was made with.")
    return Identity(chain, key_pem, _names(certificate, found), found.not_valid_after_utc)


class CertificateFiles:
    """A certificate and its key, read again when they are renewed; while they are broken, the last good ones.

    Raises
    ------
    CertificateError
        If they are not good to begin with.
    """

    def __init__(self, certificate: Path, key: Path, clock: Clock) -> None:
        self.certificate = certificate
        self.key = key
        self.clock = clock
        self.identity = load(certificate, key, clock.now())
        self._seen = self._state()

    def renewed(self) -> Identity | None:
        """Return the new identity if there is one."""
        state = self._state()
        if state == self._seen:
            return None
        self._seen = state
        try:
            self.identity = load(self.certificate, self.key, self.clock.now())
        except CertificateError as error:
            logger.warning("%s The one before stays.", error)
            return None
        logger.info("the certificate was renewed; it is good until %s", self.identity.expires)
        return self.identity

    def _state(self) -> tuple[tuple[int, int, int] | None, ...]:
        return _stat(self.certificate), _stat(self.key)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        remedy = f"Give the {what}'s file."
        raise CertificateError(path, f"cannot be read ({error.strerror})", remedy) from None


def _check_time(path: Path, certificate: Certificate, now: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        raise CertificateError(path, f"expired at {end:%Y-%m-%d %H:%M} UTC", "Have it renewed.")
    if now < begin:
        raise CertificateError(path, f"is not valid before {begin:%Y-%m-%d %H:%M} UTC", "Check the clock.")


def _names(path: Path, certificate: Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension: Any = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        remedy = "Make it with the host of --grpc-expander-url as a subjectAltName."
        raise CertificateError(path, "names no host", remedy) from None
    return tuple(str(each.value) for each in extension.value)
