"""How large a cluster is, against the published thresholds."""

from __future__ import annotations

from kubelab.client import Object
from kubelab.limits.sizes import sizes_of
from kubelab.limits.verdict import Size


def node(name: str, cpu: str) -> Object:
    return {"metadata": {"name": name}, "status": {"capacity": {"cpu": cpu}}}


def pod(name: str, namespace: str, node: str) -> Object:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"nodeName": node}}


def part(service: str, number: int, endpoints: int) -> Object:
    labels = {"kubernetes.io/service-name": service}
    meta = {"name": f"{service}-{number}", "namespace": "a", "labels": labels}
    return {"metadata": meta, "endpoints": [{"addresses": ["10.0.0.1"]}] * endpoints}


def by_what(sizes: tuple[Size, ...]) -> dict[str, Size]:
    return {size.threshold.what: size for size in sizes}


def test_the_fullest_namespace_is_named() -> None:
    pods = [pod(f"p{number}", "a" if number < 3 else "b", "n") for number in range(5)]
    found = by_what(sizes_of({"pods": pods}))
    assert found["pods"].found == 5
    assert (found["pods in a namespace"].found, found["pods in a namespace"].where) == (3, "a")


def test_a_node_of_few_cores_may_have_fewer_pods() -> None:
    pods = [pod(f"p{number}", "a", "small" if number < 21 else "large") for number in range(60)]
    found = by_what(sizes_of({"nodes": [node("small", "2"), node("large", "64")], "pods": pods}))
    size = found["pods on a node"]
    assert (size.where, size.found, size.threshold.most, size.within) == ("small", 21, 20, False)


def test_pods_that_ended_do_not_fill_their_node() -> None:
    pods = [pod("p1", "a", "n"), {**pod("p2", "a", "n"), "status": {"phase": "Succeeded"}}]
    assert by_what(sizes_of({"nodes": [node("n", "2")], "pods": pods}))["pods on a node"].found == 1


def test_endpoints_are_counted_over_all_slices_of_a_service() -> None:
    slices = [part("web", 0, 100), part("web", 1, 100), part("web", 2, 51), part("db", 0, 3)]
    size = by_what(sizes_of({"endpointslices": slices}))["endpoints of a Service"]
    assert (size.where, size.found, size.within) == ("a/web", 251, False)


def test_what_could_not_be_listed_is_left_out() -> None:
    assert sizes_of({}) == ()
    assert "pods on a node" not in by_what(sizes_of({"pods": [pod("p", "a", "n")]}))


def test_an_empty_cluster_has_no_fullest_namespace() -> None:
    assert set(by_what(sizes_of({"pods": [], "nodes": []}))) == {"pods", "nodes"}
