"""Pods on simulated nodes are resized while they run, on virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import EVENTS, PODS, Object
from kubelab.simulated_cluster import SimulatedCluster
from kubelab.simulated_pod import PREFIX


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=3) as made:
        made.add_nodes(1, {"cpu": 2, "memory": "4Gi"})
        yield made


def create(lab: SimulatedCluster, name: str, resources: Object, *, policy: str = "", **declared: str) -> None:
    annotations = {PREFIX + key.replace("_", "-"): value for key, value in declared.items()}
    container = {"name": "main", "image": "x", "resources": resources}
    if policy:
        container["resizePolicy"] = [{"resourceName": "cpu", "restartPolicy": policy}]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"containers": [container], "tolerations": [{"operator": "Exists"}]},
    }
    portal.run(lab.client.create(PODS, pod))


def resize(lab: SimulatedCluster, name: str, resources: Object) -> Object:
    patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    portal.run(lab.client.patch(PODS, name, patch, "default", type="strategic", subresource="resize"))
    return pod(lab, name)


def pod(lab: SimulatedCluster, name: str) -> Object:
    return portal.run(lab.client.get(PODS, name, "default"))


def container(found: Object) -> Object:
    entry: Object = found["status"]["containerStatuses"][0]
    return entry


def condition(found: Object, kind: str) -> Object | None:
    return next((each for each in found["status"]["conditions"] if each["type"] == kind), None)


def events(lab: SimulatedCluster) -> list[str]:
    return [each["reason"] for each in portal.run(lab.client.list(EVENTS)).items if "esize" in each["reason"]]


def test_a_running_pod_has_what_it_asked_for(lab: SimulatedCluster) -> None:
    create(lab, "web", {"requests": {"cpu": "500m", "memory": "1Gi"}})
    entry = container(pod(lab, "web"))
    assert entry["resources"] == {"requests": {"cpu": "500m", "memory": "1Gi"}}
    assert entry["allocatedResources"] == {"cpu": "500m", "memory": "1Gi"}


def test_a_resize_is_carried_out_without_a_restart(lab: SimulatedCluster) -> None:
    create(lab, "web", {"requests": {"cpu": "500m"}, "limits": {"cpu": "1"}})
    lab.run(minutes=1)
    found = resize(lab, "web", {"requests": {"cpu": "900m"}, "limits": {"cpu": "1800m"}})
    entry = container(found)
    assert entry["resources"] == {"requests": {"cpu": "900m"}, "limits": {"cpu": "1800m"}}
    assert (entry["allocatedResources"], entry["restartCount"]) == ({"cpu": "900m"}, 0)
    assert condition(found, "PodResizeInProgress") is condition(found, "PodResizePending") is None
    lab.run(seconds=1)
    assert sorted(events(lab)) == ["ResizeCompleted", "ResizeStarted"]


def test_a_resize_that_does_not_fit_waits_until_another_pod_goes(lab: SimulatedCluster) -> None:
    create(lab, "first", {"requests": {"cpu": "1"}})
    create(lab, "second", {"requests": {"cpu": "800m"}})
    found = resize(lab, "second", {"requests": {"cpu": "1500m"}})
    pending = condition(found, "PodResizePending")
    assert pending is not None
    assert (pending["reason"], container(found)["resources"]) == ("Deferred", {"requests": {"cpu": "800m"}})
    assert "requested: 1500, used: 1000, capacity: 2000" in pending["message"]
    portal.run(lab.client.delete(PODS, "first", "default"))
    lab.run(seconds=1)
    found = pod(lab, "second")
    assert container(found)["resources"] == {"requests": {"cpu": "1500m"}}
    assert condition(found, "PodResizePending") is None


def test_a_resize_that_is_taken_back_is_pending_no_more(lab: SimulatedCluster) -> None:
    create(lab, "first", {"requests": {"cpu": "1"}})
    create(lab, "second", {"requests": {"cpu": "800m"}})
    resize(lab, "second", {"requests": {"cpu": "1500m"}})
    found = resize(lab, "second", {"requests": {"cpu": "800m"}})
    assert condition(found, "PodResizePending") is None
    assert container(found)["allocatedResources"] == {"cpu": "800m"}


def test_a_memory_limit_is_not_lowered_below_what_is_used_until_use_falls(lab: SimulatedCluster) -> None:
    both = {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    create(lab, "web", both, usage="[[0, 100, 1000000000], [600, 100, 1000000]]")
    found = resize(lab, "web", {"requests": {"memory": "256Mi"}, "limits": {"memory": "512Mi"}})
    under_way = condition(found, "PodResizeInProgress")
    assert under_way is not None
    assert under_way["reason"] == "Error"
    assert "memory limit (536870912) below current usage (1000000000)" in under_way["message"]
    assert container(found)["resources"] == both
    assert container(found)["allocatedResources"] == {"memory": "256Mi"}
    lab.run(minutes=11)
    found = pod(lab, "web")
    assert container(found)["resources"]["limits"] == {"memory": "512Mi"}
    assert condition(found, "PodResizeInProgress") is None


def test_a_container_that_asks_for_it_starts_again(lab: SimulatedCluster) -> None:
    create(lab, "web", {"requests": {"cpu": "500m"}}, policy="RestartContainer")
    lab.run(minutes=1)
    entry = container(resize(lab, "web", {"requests": {"cpu": "700m"}}))
    assert (entry["restartCount"], entry["resources"]) == (1, {"requests": {"cpu": "700m"}})
    assert entry["lastState"]["terminated"]["exitCode"] == 143


def test_more_than_the_node_has_is_refused_at_once(lab: SimulatedCluster) -> None:
    from kubelab.errors import ApiError

    create(lab, "web", {"requests": {"cpu": "500m"}})
    with pytest.raises(ApiError, match="didn't have enough allocatable resources: cpu"):
        resize(lab, "web", {"requests": {"cpu": "3"}})


def test_a_higher_limit_in_time_saves_a_container_from_being_killed(lab: SimulatedCluster) -> None:
    resources = {"requests": {"memory": "512Mi"}, "limits": {"memory": "1Gi"}}
    for name in ("saved", "killed"):
        create(lab, name, resources, usage="[[0, 100, 1000], [600, 100, 2000000000]]")
    lab.run(minutes=5)
    resize(lab, "saved", {"limits": {"memory": "2Gi"}})
    lab.run(minutes=6)
    assert container(pod(lab, "saved"))["restartCount"] == 0
    assert container(pod(lab, "killed"))["lastState"]["terminated"]["reason"] == "OOMKilled"
