"""What a pod says to being moved: Cluster Autoscaler's rules, in its order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelab.autoscaling.drain import SAFE_TO_EVICT, SAFE_VOLUMES, drain, must_move
from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.scheduling.selectors import Selector
from kubelab.scheduling.snapshot import Budget
from tests.unit.scheduling import objects

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pod(
    owner: str = "ReplicaSet",
    *,
    annotations: dict[str, str] | None = None,
    phase: str = "Running",
    namespace: str = "default",
    **spec: Any,
) -> Object:
    made = objects.pod(namespace=namespace, labels={"app": "web"}, **spec)
    made["metadata"]["annotations"] = annotations or {}
    made["status"] = {"phase": phase}
    if owner:
        made["metadata"]["ownerReferences"] = [{"kind": owner, "name": "o", "uid": "u", "controller": True}]
    return made


def budget(allowed: int, namespace: str = "default") -> Budget:
    return Budget(namespace, Selector.equal({"app": "web"}), allowed, frozenset())


EMPTY_DIR = {"volumes": [{"name": "scratch", "emptyDir": {}}]}
TMPFS = {"volumes": [{"name": "scratch", "emptyDir": {"medium": "Memory"}}]}
HOST_PATH = {"volumes": [{"name": "host", "hostPath": {"path": "/data"}}]}


@pytest.mark.parametrize(
    "made",
    [
        pod(),
        pod("", annotations={SAFE_TO_EVICT: "true"}),
        pod(annotations={SAFE_TO_EVICT: "true"}, namespace="kube-system"),
        pod(annotations={SAFE_VOLUMES: "scratch, other"}, **EMPTY_DIR),
        pod(**TMPFS),
    ],
    ids=["replicated", "declared safe", "safe in kube-system", "safe volume", "tmpfs"],
)
def test_pod_is_evicted(made: Object) -> None:
    assert drain([made], [], NOW).evict == (made,)


@pytest.mark.parametrize(
    "made",
    [
        pod("DaemonSet"),
        pod("", annotations={"kubernetes.io/config.mirror": "x"}),
        pod(phase="Succeeded"),
        pod("", phase="Failed"),
    ],
    ids=["daemon", "mirror", "succeeded", "failed and bare"],
)
def test_pod_is_left_where_it_is(made: Object) -> None:
    found = drain([made], [], NOW)
    assert found.blocker is None
    assert found.evict == ()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (pod(""), "NotReplicated"),
        (pod(annotations={SAFE_TO_EVICT: "false"}), "NotSafeToEvictAnnotation"),
        (pod(annotations={SAFE_TO_EVICT: "on-completion"}), "NotSafeToEvictAnnotation"),
        (pod(namespace="kube-system"), "UnmovableKubeSystemPod"),
        (pod(**EMPTY_DIR), "LocalStorageRequested"),
        (pod(**HOST_PATH), "LocalStorageRequested"),
    ],
    ids=["bare", "not safe", "on completion", "kube-system", "emptyDir", "hostPath"],
)
def test_pod_keeps_its_node(made: Object, reason: str) -> None:
    found = drain([pod(), made], [], NOW)
    assert found.blocker is not None
    assert found.blocker.reason == reason
    assert found.blocker.pod == f"{made['metadata']['namespace']}/{made['metadata']['name']}"


def test_pod_in_kube_system_may_go_once_a_budget_covers_it() -> None:
    made = pod(namespace="kube-system")
    assert drain([made], [budget(1, "kube-system")], NOW).evict == (made,)


def test_two_pods_do_not_both_spend_the_last_of_a_budget() -> None:
    assert drain([pod()], [budget(1)], NOW).blocker is None
    found = drain([pod(), pod()], [budget(1)], NOW)
    assert found.blocker is not None
    assert found.blocker.reason == "NotEnoughPdb"


def test_budget_of_another_namespace_does_not_count() -> None:
    assert drain([pod()], [budget(0, "elsewhere")], NOW).blocker is None


def test_pod_that_has_been_ending_for_long_is_left() -> None:
    ending = pod("")
    ending["metadata"]["deletionTimestamp"] = rfc3339(NOW - timedelta(seconds=31))
    assert drain([ending], [], NOW).blocker is None
    ending["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    assert drain([ending], [], NOW).blocker is not None


def test_once_a_node_goes_all_its_pods_must_but_those_that_go_with_it() -> None:
    stubborn, daemon = pod(namespace="kube-system"), pod("DaemonSet")
    assert must_move([stubborn, daemon], NOW) == [stubborn]
