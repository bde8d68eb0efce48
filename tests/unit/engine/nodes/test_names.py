"""Names that pods resolve, and the addresses behind them."""

from __future__ import annotations

from pathlib import Path

from kubelab.client import Object
from kubelab.engine.nodes.addresses import Addresses
from kubelab.engine.nodes.names import Name, hosts_file, own_names, service_names


def _pod(uid: str, *, ready: bool = True, **spec: str) -> Object:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    meta = {"name": f"pod-{uid}", "namespace": "n", "uid": uid, "labels": {"job": "j"}}
    return {"metadata": meta, "spec": dict(spec), "status": {"conditions": conditions}}


def _service(**spec: object) -> Object:
    return {"metadata": {"name": "svc", "namespace": "n"}, "spec": {"selector": {"job": "j"}, **spec}}


def test_members_of_a_headless_service_have_names() -> None:
    pods = [_pod("a", hostname="w-0", subdomain="svc"), _pod("b", hostname="w-1", subdomain="svc")]
    found = service_names([_service()], pods, {"a": "127.9.0.2", "b": "127.9.0.3"})
    assert found == [
        Name("n", "svc", ("127.9.0.2", "127.9.0.3")),
        Name("n", "w-0.svc", ("127.9.0.2",)),
        Name("n", "w-1.svc", ("127.9.0.3",)),
    ]


def test_pods_that_are_not_ready_are_published_only_on_request() -> None:
    pods, addresses = [_pod("a", ready=False)], {"a": "127.9.0.2"}
    assert service_names([_service()], pods, addresses) == []
    assert service_names([_service(publishNotReadyAddresses=True)], pods, addresses)


def test_hosts_file_has_the_pods_own_line_and_every_spelling() -> None:
    pod = _pod("a", hostname="w-0", subdomain="svc")
    text = hosts_file(
        pod, "127.9.0.2", [Name("n", "w-1.svc", ("127.9.0.3",)), Name("m", "far", ("127.9.0.4",))]
    )
    assert "127.9.0.2\tw-0.svc.n.svc.cluster.local\tw-0\n" in text
    assert "127.9.0.3\tw-1.svc w-1.svc.n w-1.svc.n.svc w-1.svc.n.svc.cluster.local\n" in text
    assert "127.9.0.4\tfar.m far.m.svc far.m.svc.cluster.local\n" in text


def test_a_pod_stands_for_its_own_name_not_for_its_service() -> None:
    assert own_names(_pod("a", hostname="w-0", subdomain="svc"), [_service()]) == {"w-0.svc"}
    assert own_names(_pod("a"), [_service()]) == {"svc"}


def test_addresses_are_different_and_kept(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path, "node")
    first, second = (addresses.of_pod(uid, "n", set()) for uid in "ab")
    assert first != second
    assert addresses.of_pod("a", "n", set()) == first
    addresses.close()
    again = Addresses(tmp_path, "node")
    assert again.block == addresses.block
    again.close()


def test_two_lab_clusters_have_different_blocks(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = Addresses(tmp_path / "a", "node"), Addresses(tmp_path / "b", "node")
    assert one.block != two.block
    one.close()
    two.close()


def test_a_name_asked_for_early_gets_its_pods_address(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path, "node")
    early = addresses.of_name("n", "w-0.svc")
    assert addresses.of_pod("other", "n", {"w-1.svc"}) != early
    assert addresses.of_pod("a", "n", {"w-0.svc"}) == early
    addresses.close()
