from __future__ import annotations

from pathlib import Path

import pytest

from kubelab.engine.binaries import BinariesMissingError, find


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.touch(0o755)
    return path


def test_programs_in_the_assets_folder_go_before_those_on_the_path(tmp_path: Path) -> None:
    etcd, server = (program(tmp_path / "assets", name) for name in ("etcd", "kube-apiserver"))
    program(tmp_path / "bin", "kube-apiserver")
    scheduler = program(tmp_path / "bin", "kube-scheduler")
    found = find({"KUBEBUILDER_ASSETS": str(tmp_path / "assets"), "PATH": str(tmp_path / "bin")})
    assert (found.etcd, found.kube_apiserver) == (etcd, server)
    assert found.kube_scheduler == scheduler
    assert found.kube_controller_manager is None


def test_what_is_missing_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    program(tmp_path / "bin", "etcd")
    with pytest.raises(BinariesMissingError) as refused:
        find({"PATH": str(tmp_path / "bin")})
    assert refused.value.missing == ("kube-apiserver",)
    assert "setup-envtest" in str(refused.value)
    assert "KUBEBUILDER_ASSETS is not set" in str(refused.value)
