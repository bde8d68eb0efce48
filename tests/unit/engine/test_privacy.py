"""What a running lab keeps on disk is its user's alone, whatever the umask.

The rule: the home that the lab makes and each cluster's folder are 0700, and so are the folders of each pod
and of local volumes. Nothing outside the latter two can be opened by others even if the fence were not there;
within them files have the modes that pods ask for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubelab import portal
from kubelab.client import PODS, SECRETS
from kubelab.cluster import Cluster
from kubelab.engine.state import StateFolder
from tests.conftest import Lab, made

pytestmark = pytest.mark.timeout(120)

_FENCES = ("pods/*", "volumes/*")
_PODS_OWN = {"volumes", "containers", "logs", "hosts", "hostname"}
_SECRET = (
    *("kubeconfig", "cluster.json", "token", "journal.db", "journal.db-wal", "control-plane.log", "lock"),
    *("node.sock", "tls/server.key", "pods/*/plan.json", "pods/*/status.json", "pods/*/logs/*/*.log"),
    *("pods/*/streams.sock", "pods/*/control"),
)


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose user's umask hides nothing."""
    before = os.umask(0)
    try:
        with made(tmp_path / "state" / "home") as lab:
            lab.up("lab")
            yield lab
    finally:
        os.umask(before)


def test_nothing_of_a_running_lab_is_open_to_others(careless: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBELAB_HOME", str(careless.home))
    with Cluster.connect() as cluster:
        portal.run(_run_pod(cluster))
        folder = careless.home / "lab"
        assert [name for name in _SECRET if not list(folder.glob(name))] == [], "not there to be looked at"
        assert _mode(careless.home) == _mode(folder) == 0o700
        fences = [path for pattern in _FENCES for path in folder.glob(pattern)]
        assert fences
        assert [path for path in fences if path.parent.name == "pods" and _mode(path) != 0o700] == []
        opened = [path for path in folder.rglob("*") if _is_open(path) and not _is_pods_own(folder, path)]
        assert opened == []
        assert [path for path in folder.glob("pods/*/logs/*/*") if _is_open(path)] == []


async def _run_pod(cluster: Cluster) -> None:
    secret = {"metadata": {"name": "key", "namespace": "default"}, "stringData": {"key": "value"}}
    await cluster.client.create(SECRETS, secret)
    mounts = [{"name": "key", "mountPath": "/key-test"}, {"name": "data", "mountPath": "/data-test"}]
    container = {
        "name": "main",
        "image": "busybox",
        "command": ["sh", "-c", "echo said; touch /data-test/x; sleep 1000"],
        "volumeMounts": mounts,
        "readinessProbe": {"exec": {"command": ["test", "-e", "/data-test/x"]}, "periodSeconds": 1},
    }
    volumes = [{"name": "key", "secret": {"secretName": "key"}}, {"name": "data", "emptyDir": {}}]
    spec = {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0}
    await cluster.client.create(PODS, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    async for event in cluster.client.watch(PODS, "default"):
        conditions = (event.object.get("status") or {}).get("conditions") or []
        if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
            return


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _is_open(path: Path) -> bool:
    return not path.is_symlink() and bool(_mode(path) & 0o077)


def _is_pods_own(folder: Path, path: Path) -> bool:
    kind, *names = path.relative_to(folder).parts
    if kind == "volumes":
        return len(names) > 0
    return kind == "pods" and len(names) > 1 and names[1] in _PODS_OWN


def test_a_home_that_was_there_keeps_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("KUBELAB_HOME", str(tmp_path))
    StateFolder.of("lab").create()
    assert (_mode(tmp_path), _mode(tmp_path / "lab")) == (0o755, 0o700)
