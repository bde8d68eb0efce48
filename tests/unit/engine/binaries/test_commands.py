from __future__ import annotations

from pathlib import Path

import pytest

from kubelab.engine.apiserver.tls import ensure_tls
from kubelab.engine.binaries import commands
from kubelab.engine.binaries.credentials import ADMINISTRATOR, ensure_credentials


@pytest.mark.parametrize("tainting", [True, False])
def test_new_nodes_are_tainted_only_where_somebody_ends_that(tmp_path: Path, tainting: bool) -> None:
    command = commands.kube_apiserver(
        Path("/bin/kube-apiserver"),
        port=1234,
        tls=ensure_tls(tmp_path),
        credentials=ensure_credentials(tmp_path, "secret"),
        tainting=tainting,
    )
    assert ("--disable-admission-plugins=TaintNodesByCondition" in command) is not tainting
    assert "--bind-address=127.0.0.1" in command
    assert not any("secret" in argument for argument in command)


def test_nothing_of_etcd_listens_on_the_network() -> None:
    urls = [each for each in commands.etcd(Path("/bin/etcd")) if "-urls=" in each]
    assert len(urls) == 4
    assert all("unix://" in each for each in urls)


def test_credentials_are_private_and_name_their_users(tmp_path: Path) -> None:
    made = ensure_credentials(tmp_path, "secret")
    rows = [line.split(",") for line in made.tokens.read_text().splitlines()]
    assert rows[0] == ["secret", ADMINISTRATOR, ADMINISTRATOR, "system:masters"]
    assert {row[1] for row in rows[1:]} == {"system:kube-scheduler", "system:kube-controller-manager"}
    for path in (made.tokens, made.account_key, made.kubelet_client.key):
        assert path.stat().st_mode & 0o077 == 0
    again = ensure_credentials(tmp_path, "secret")
    assert again.account_key.read_bytes() == made.account_key.read_bytes()
