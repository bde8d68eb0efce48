from typing import Any

import pytest

from kubelab.client import Object
from kubelab.scheduling.decide import decide
from kubelab.scheduling.decision import Decision
from kubelab.scheduling.volumes import SELECTED_NODE, VolumeChoice
from tests.unit.scheduling.objects import Cluster, cluster, node, pod

CLASS = {"provisioner": "kubelab.dev/local", "volumeBindingMode": "WaitForFirstConsumer"}


def claim(name: str = "data", *, volume: str = "", storage_class: str = "local", **meta: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default", "uid": name, **meta},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": storage_class,
            **({"volumeName": volume} if volume else {}),
        },
        "status": {"phase": "Bound" if volume else "Pending"},
    }


def volume(name: str, host: str, *, storage: str = "1Gi", storage_class: str = "local") -> Object:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": storage},
            "storageClassName": storage_class,
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        },
    }


def made(*objects: Object, **classes: Object) -> Cluster:
    result = cluster(node("a"), node("b"))
    for each in objects:
        if "accessModes" in each["spec"] and "capacity" in each["spec"]:
            result.cache.volumes[("", each["metadata"]["name"])] = each
        else:
            result.cache.claims[("default", each["metadata"]["name"])] = each
    for name, spec in (classes or {"local": CLASS}).items():
        result.cache.classes[("", name)] = {"metadata": {"name": name}, **spec}
    return result


def choose(on: Cluster, name: str = "data") -> Decision:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]
    return decide(on.info(pod(volumes=volumes)), on.cache.snapshot())


@pytest.mark.parametrize(
    ("existing", "reason"),
    [
        ([], 'persistentvolumeclaim "data" not found'),
        (
            [claim(deletionTimestamp="2026-01-01T00:00:00Z")],
            'persistentvolumeclaim "data" is being deleted',
        ),
        ([claim(storage_class="")], "pod has unbound immediate PersistentVolumeClaims"),
        ([claim(storage_class="missing")], "pod has unbound immediate PersistentVolumeClaims"),
    ],
)
def test_a_claim_that_blocks_every_node_has_upstreams_words(existing: list[Object], reason: str) -> None:
    assert choose(made(*existing)).message == f"0/2 nodes are available: {reason}."


def test_a_bound_claim_pins_the_pod_to_its_volumes_node() -> None:
    assert choose(made(claim(volume="pv"), volume("pv", "b"))).node == "b"
    assert choose(made(claim(volume="pv"), volume("pv", "elsewhere"))).message == (
        "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity."
    )


def test_a_bound_claim_without_its_volume_fits_nowhere() -> None:
    assert choose(made(claim(volume="pv"))).message == (
        "0/2 nodes are available: "
        "2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)."
    )


def test_a_waiting_claim_is_provisioned_on_the_chosen_node() -> None:
    decision = choose(made(claim()))
    assert decision.node
    assert decision.volumes == (VolumeChoice(("default", "data")),)


def test_a_claim_whose_node_is_selected_goes_there() -> None:
    assert choose(made(claim(annotations={SELECTED_NODE: "b"}))).node == "b"


def test_the_smallest_existing_volume_that_suits_is_taken() -> None:
    decision = choose(
        made(claim(), volume("large", "b", storage="9Gi"), volume("small", "b"), local=NO_PROVISIONER)
    )
    assert (decision.node, decision.volumes) == ("b", (VolumeChoice(("default", "data"), "small"),))


NO_PROVISIONER = {**CLASS, "provisioner": "kubernetes.io/no-provisioner"}


def test_a_class_that_does_not_provision_needs_a_volume() -> None:
    assert choose(made(claim(), local=NO_PROVISIONER)).message == (
        "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."
    )


def test_a_claim_for_one_pod_is_not_shared() -> None:
    only = claim(volume="pv")
    only["spec"]["accessModes"] = ["ReadWriteOncePod"]
    on = made(only, volume("pv", "a"))
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    on.place(pod(volumes=volumes), "a")
    assert choose(on).message == (
        "0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and "
        "ReadWriteOncePod access mode."
    )
