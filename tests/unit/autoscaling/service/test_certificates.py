from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubelab.autoscaling.service.certificates import CertificateError, CertificateFiles, load
from kubelab.clock import RealClock
from tests.unit.autoscaling.service.certificates import Files, self_signed

NOW = datetime.now(UTC)


def check(files: Files, now: datetime = NOW) -> str:
    with pytest.raises(CertificateError) as caught:
        load(files.certificate, files.key, now)
    return str(caught.value)


def test_good_certificate_says_for_which_hosts_it_is(tls: Files) -> None:
    assert load(tls.certificate, tls.key, NOW).names == ("127.0.0.1", "localhost")


def test_missing_file_is_named(tls: Files, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert check(Files(gone, tls.key)).startswith(f"{gone} cannot be read (No such file")
    assert check(Files(tls.certificate, gone)).endswith("Give the key's file.")


def test_expired_certificate_says_when(tls: Files) -> None:
    late = NOW + timedelta(days=3)
    assert f"{tls.certificate} expired at {NOW + timedelta(days=1):%Y-%m-%d}" in check(tls, late)
    assert "is not valid before" in check(tls, NOW - timedelta(days=3))


def test_key_of_another_certificate_is_refused(tls: Files, tmp_path: Path) -> None:
    other = self_signed(tmp_path, "localhost")
    assert f"{other.key} is not the key of {tls.certificate}." in check(Files(tls.certificate, other.key))


def test_files_that_hold_something_else_are_refused(tls: Files) -> None:
    assert "is no PEM certificate" in check(Files(tls.key, tls.key))
    assert "is no PEM key without a passphrase" in check(Files(tls.certificate, tls.certificate))


def test_certificate_that_names_no_host_is_refused(tmp_path: Path) -> None:
    assert "names no host" in check(self_signed(tmp_path))


def test_renewed_certificate_is_noticed_and_a_broken_one_is_not_taken(tmp_path: Path) -> None:
    files = self_signed(tmp_path, "old.example")
    watched = CertificateFiles(files.certificate, files.key, RealClock())
    assert watched.renewed() is None
    self_signed(tmp_path, "new.example")
    renewed = watched.renewed()
    assert renewed is not None
    assert renewed.names == ("new.example",)
    files.certificate.write_text("nothing")
    assert watched.renewed() is None
    assert watched.identity.names == ("new.example",)
