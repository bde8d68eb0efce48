from __future__ import annotations

from typing import Any

import pytest

from kubelab.live import share
from kubelab.live.fleet_snapshot import group_rows, node_row, pod_row

GIB = 2**30


def node(name: str = "one", **more: Any) -> dict[str, Any]:
    priced = {
        "autoscaling.kubelab.dev/price-usd-per-hour": "0.096",
        "autoscaling.kubelab.dev/price-date": "2026-07-20",
    }
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "annotations": priced,
            "labels": {
                "autoscaling.kubelab.dev/node-group": "web",
                "node.kubernetes.io/instance-type": "m6i.large",
            },
            **more.get("metadata", {}),
        },
        "spec": more.get("spec", {}),
        "status": {
            "allocatable": {"cpu": "1930m", "memory": "7Gi", "pods": "29"},
            "conditions": [{"type": "Ready", "status": more.get("ready", "True")}],
        },
    }


def pod(**more: Any) -> dict[str, Any]:
    requests = more.get("requests", {"cpu": "500m", "memory": "1Gi"})
    return {
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "1", **more.get("metadata", {})},
        "spec": {
            "nodeName": more.get("node", "one"),
            "containers": [{"name": "main", "resources": {"requests": requests}}],
        },
        "status": {"phase": more.get("phase", "Running"), "conditions": more.get("conditions", [])},
    }


def test_a_node_tells_its_group_its_room_and_its_price_with_the_date() -> None:
    row = node_row(7, node())
    assert (row.number, row.group, row.instance_type, row.state) == (7, "web", "m6i.large", "Ready")
    assert (row.cpu_millicores, row.memory_bytes, row.max_pods) == (1930, 7 * GIB, 29)
    assert (row.usd_per_hour, row.price_date) == (0.096, "2026-07-20")


def test_a_node_without_a_price_has_none() -> None:
    row = node_row(1, node(metadata={"annotations": {}}))
    assert (row.usd_per_hour, row.price_date) == (None, "")


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("eks.amazonaws.com/nodegroup", "a"),
        ("karpenter.sh/nodepool", "b"),
        ("node.kubernetes.io/instance-type", "c"),
    ],
)
def test_other_providers_labels_tell_the_group_too(label: str, value: str) -> None:
    assert node_row(1, node(metadata={"labels": {label: value}})).group == value


def test_a_node_that_is_not_well_says_so() -> None:
    taint = {"key": "autoscaling.kubelab.dev/interrupted", "effect": "NoSchedule"}
    assert node_row(1, node(ready="Unknown")).state == "NotReady"
    assert node_row(1, node(spec={"unschedulable": True})).state == "Cordoned"
    assert node_row(1, node(spec={"taints": [taint]})).state == "Leaving"


def test_a_pod_tells_its_deployment_and_what_it_asks_for() -> None:
    owner = {"kind": "ReplicaSet", "name": "web-5d4", "controller": True}
    row = pod_row(3, pod(metadata={"ownerReferences": [owner], "labels": {"pod-template-hash": "5d4"}}))
    assert row is not None
    assert (row.owner, row.node, row.state, row.cpu_millicores, row.memory_bytes) == (
        "web",
        "one",
        "Running",
        500,
        GIB,
    )


def test_a_pending_pod_says_why_and_one_that_has_ended_is_none() -> None:
    waits = [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]
    row = pod_row(1, pod(node="", phase="Pending", conditions=waits))
    assert row is not None
    assert (row.state, row.why) == ("Pending", "0/1 nodes are available")
    assert pod_row(1, pod(phase="Succeeded")) is None
    starting = pod_row(1, pod(phase="Pending"))
    assert starting is not None
    assert starting.state == "Starting"


def test_the_share_is_the_largest_part_of_a_node() -> None:
    on = node_row(1, node())
    small, large = pod_row(2, pod(requests={})), pod_row(3, pod(requests={"cpu": "1m", "memory": "3584Mi"}))
    assert small is not None
    assert large is not None
    assert share(small, on) == 1 / 29
    assert share(large, on) == 0.5


def test_groups_have_sizes_prices_and_trouble_and_unknown_ones_come_last() -> None:
    refused = {"type": "Accepted", "status": "False", "message": "there is no type m9"}
    declared = {
        "metadata": {"name": "web"},
        "spec": {"instanceType": "m6i.large", "replicas": 3, "minSize": 1, "maxSize": 9},
        "status": {
            "price": {"usdPerHour": 0.096, "date": "2026-07-20"},
            "provisioning": [{"name": "web-3"}],
            "outOfCapacity": {"message": "no more than 2"},
        },
    }
    bad = {"metadata": {"name": "bad"}, "spec": {"replicas": 0}, "status": {"conditions": [refused]}}
    stray = node_row(3, node("stray", metadata={"labels": {}}))
    rows = group_rows([declared, bad], [node_row(1, node()), node_row(2, node("two", ready="False")), stray])
    assert [row.name for row in rows] == ["bad", "web", ""]
    web = rows[1]
    assert (web.size, web.ready, web.target, web.least, web.most, web.coming) == (2, 1, 3, 1, 9, 1)
    assert (web.usd_per_hour, web.price_date, web.problem) == (0.096, "2026-07-20", "no more than 2")
    assert rows[0].problem == "there is no type m9"
    assert (rows[2].size, rows[2].target) == (1, None)
