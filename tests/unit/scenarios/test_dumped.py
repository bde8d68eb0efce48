"""A real cluster's pods and nodes, as kubectl writes them, become a scenario."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kubelab import Cluster, portal, scenarios
from kubelab.client import NODES, PODS, Object
from kubelab.scenarios.dump_file import DumpError
from kubelab.scenarios.scenario import Scenario

READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def node(name: str, kind: str = "m6i.xlarge", cpu: str = "3920m", **labels: str) -> Object:
    amounts = {"cpu": cpu, "memory": "14Gi", "pods": "58"}
    given = {"node.kubernetes.io/instance-type": kind, "topology.kubernetes.io/zone": "us-east-1a"}
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **given, **labels}},
        "spec": {},
        "status": {"capacity": amounts, "allocatable": amounts, **READY},
    }


def pod(name: str, owner: str = "", *, cpu: str = "500m", phase: str = "Running", **spec: Any) -> Object:
    """Return a pod of ``Kind/name``; a ReplicaSet's has the hash that its name ends with."""
    kind, _, owner_name = owner.partition("/")
    labels = {"app": owner_name or name}
    if kind == "ReplicaSet":
        labels["pod-template-hash"] = owner_name.rpartition("-")[2]
    owners = [{"kind": kind, "name": owner_name, "controller": True}] if kind else []
    resources = {"requests": {"cpu": cpu, "memory": "512Mi"}}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": owners},
        "spec": {
            "containers": [{"name": "main", "image": "shop:1", "resources": resources}],
            "nodeName": "gone",
            "serviceAccountName": "shop",
            **spec,
        },
        "status": {"phase": phase},
    }


def dumped(folder: Path, *items: Object, **options: Any) -> Scenario:
    path = folder / "dump.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return scenarios.dump(path, **options)


def created(made: Scenario) -> dict[tuple[str, str], Object]:
    return {(each.resource.kind, each.name): each.body or {} for each in made.actions}


def group(made: Scenario, name: str) -> Object:
    found: Object = next(each["spec"] for each in made.node_groups if each["metadata"]["name"] == name)
    return found


def test_pods_come_from_workloads_like_their_owners(tmp_path: Path) -> None:
    made = dumped(
        tmp_path,
        node("n1"),
        *(pod(f"web-{at}", "ReplicaSet/web-5d9f") for at in range(3)),
        pod("db-0", "StatefulSet/db"),
        pod("logs-a", "DaemonSet/logs"),
        pod("train-x", "Job/train", restartPolicy="Never"),
        pod("flow-x", "Workflow/flow", restartPolicy="Never"),
        pod("alone"),
    )
    bodies = created(made)
    assert set(bodies) == {
        ("Namespace", "shop"),
        ("Deployment", "web"),
        ("StatefulSet", "db"),
        ("DaemonSet", "logs"),
        ("Job", "train"),
        ("Job", "flow"),
        ("Pod", "alone"),
    }
    assert bodies["Deployment", "web"]["spec"]["replicas"] == 3
    assert bodies["Job", "train"]["spec"]["completions"] == 1


def test_pod_keeps_what_matters_to_who_places_it_and_nothing_else(tmp_path: Path) -> None:
    spread = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]
    given = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    own = {"key": "gpu", "operator": "Exists"}
    volumes = [{"name": "scratch", "emptyDir": {}}, {"name": "token", "projected": {}}]
    made = dumped(
        tmp_path,
        node("n1"),
        pod("a", topologySpreadConstraints=spread, tolerations=[given, own], volumes=volumes),
    )
    spec = created(made)["Pod", "a"]["spec"]
    assert spec == {
        "topologySpreadConstraints": spread,
        "tolerations": [own],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "containers": [
            {
                "name": "main",
                "image": "shop:1",
                "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}},
            }
        ],
    }


def test_daemon_sets_pod_is_not_bound_to_its_node_but_to_its_kind(tmp_path: Path) -> None:
    kind = [{"key": "disk", "operator": "Exists"}]
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    required = "requiredDuringSchedulingIgnoredDuringExecution"

    def affinity(**more: object) -> Object:
        return {"nodeAffinity": {required: {"nodeSelectorTerms": [{**term, **more}]}}}

    made = dumped(
        tmp_path,
        node("n1"),
        pod("logs-a", "DaemonSet/logs", affinity=affinity()),
        pod("disks-a", "DaemonSet/disks", affinity=affinity(matchExpressions=kind)),
    )
    logs, disks = (created(made)["DaemonSet", name]["spec"]["template"]["spec"] for name in ("logs", "disks"))
    assert "affinity" not in logs
    assert disks["affinity"]["nodeAffinity"][required] == {"nodeSelectorTerms": [{"matchExpressions": kind}]}


def test_two_revisions_of_a_deployment_are_two_workloads(tmp_path: Path) -> None:
    old = [pod(f"web-old-{at}", "ReplicaSet/web-aaaa") for at in range(2)]
    made = dumped(tmp_path, node("n1"), *old, pod("web-new", "ReplicaSet/web-bbbb", cpu="1"))
    bodies = created(made)
    replicas = {name: bodies["Deployment", name]["spec"]["replicas"] for name in ("web", "web-2")}
    assert sorted(replicas.values()) == [1, 2]
    selectors = {json.dumps(bodies["Deployment", name]["spec"]["selector"]) for name in replicas}
    assert len(selectors) == 2


def test_finished_going_and_mirror_pods_are_left_out_and_counted(tmp_path: Path) -> None:
    going = pod("going")
    going["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    made = dumped(
        tmp_path,
        node("n1"),
        pod("a"),
        pod("done", phase="Succeeded"),
        pod("etcd-n1", "Node/n1"),
        going,
    )
    assert [each.name for each in made.actions if each.resource == PODS] == ["a"]
    assert made.about.startswith("1 pods and 1 nodes, as dump.json has them; 3 that had finished")


def test_priorities_are_created_before_the_pods_that_have_them(tmp_path: Path) -> None:
    made = dumped(
        tmp_path,
        node("n1"),
        pod("a", priorityClassName="gold", priority=500),
        pod("b", priorityClassName="system-node-critical", priority=2000001000),
    )
    classes = {name: body for (kind, name), body in created(made).items() if kind == "PriorityClass"}
    assert {name: body["value"] for name, body in classes.items()} == {"gold": 500}
    order = [each.resource.kind for each in made.actions]
    assert order.index("PriorityClass") < order.index("Pod")


def test_nodes_become_groups_by_type_zone_and_how_they_are_bought(tmp_path: Path) -> None:
    spot = {"eks.amazonaws.com/capacityType": "SPOT"}
    made = dumped(
        tmp_path,
        pod("a"),
        node("n1", tier="web"),
        node("n2", cpu="3900m", tier="web", rack="7"),
        node("n3", **spot),
        node("n4", "own.large"),
        node("n5", **{"node-role.kubernetes.io/control-plane": ""}),
    )
    names = [each["metadata"]["name"] for each in made.node_groups]
    assert names == [
        "m6i-xlarge-us-east-1a",
        "m6i-xlarge-us-east-1a-spot",
        "own-large-us-east-1a",
        "control-plane-m6i-xlarge-us-east-1a",
    ]
    general = group(made, names[0])
    assert (general["replicas"], general["zone"], general["labels"]) == (2, "us-east-1a", {"tier": "web"})
    assert general["template"]["allocatable"]["cpu"] == "3900m"
    assert (general["priceUsdPerHour"], general["priceDate"]) == (0.192, "2026-07-20")
    assert group(made, names[1])["capacityType"] == "spot"
    assert "priceUsdPerHour" not in group(made, names[2])
    assert "No price is known of own-large-us-east-1a." in made.about
    assert (group(made, names[3])["minSize"], group(made, names[3])["maxSize"]) == (1, 1)


def test_taints_of_a_nodes_kind_are_kept_and_those_of_its_state_are_not(tmp_path: Path) -> None:
    tainted = node("n1")
    own = {"key": "team", "value": "ml", "effect": "NoSchedule"}
    tainted["spec"]["taints"] = [
        own,
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
        {"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"},
    ]
    made = dumped(tmp_path, pod("a"), tainted)
    assert made.node_groups[0]["spec"]["taints"] == [own]


def test_from_zero_keeps_only_the_control_plane(tmp_path: Path) -> None:
    control = node("n2", **{"node-role.kubernetes.io/control-plane": ""})
    made = dumped(tmp_path, pod("a"), node("n1"), control, from_zero=True)
    assert {each["metadata"]["name"]: each["spec"]["replicas"] for each in made.node_groups} == {
        "m6i-xlarge-us-east-1a": 0,
        "control-plane-m6i-xlarge-us-east-1a": 1,
    }


def test_played_dump_has_the_pods_of_the_cluster_that_was_dumped(tmp_path: Path) -> None:
    with Cluster.simulated(seed=1) as lab:
        lab.play(scenarios.daemonset_tax(seed=1))
        lab.autoscale("least-waste")
        lab.run(minutes=30)
        pods, nodes = running(lab.client), portal.run(lab.client.list(NODES)).items
        was, count = Counter(map(owner_kind, pods)), len(nodes)
    items = [{**each, "kind": "Pod"} for each in pods] + [{**each, "kind": "Node"} for each in nodes]
    with Cluster.simulated(seed=2) as lab:
        lab.play(dumped(tmp_path, *items))
        lab.run(minutes=10)
        assert Counter(map(owner_kind, running(lab.client))) == was
        assert len(portal.run(lab.client.list(NODES)).items) == count


def running(client: Any) -> list[Object]:
    return [pod for pod in portal.run(client.list(PODS)).items if pod["status"]["phase"] == "Running"]


def owner_kind(pod: Object) -> str:
    return str(pod["metadata"]["ownerReferences"][0]["kind"])


def test_agents_come_before_what_runs_beside_them(tmp_path: Path) -> None:
    made = dumped(tmp_path, node("n1"), pod("api-1", "ReplicaSet/api-5d9f"), pod("logs-a", "DaemonSet/logs"))
    logs, api = made.actions[1:]
    assert (logs.name, api.name) == ("logs", "api")
    assert logs.at_s < api.at_s


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: v1\nkind: List\n", "it is not JSON: Expecting value at line 1, column 1"),
        ('{"kind": "Pod"}', "it is a Pod and not a List with items"),
        ("[]", "it is a list and not a List with items"),
        ('{"kind": "List", "items": []}', "none of its 0 items is a Pod"),
        (json.dumps({"items": [pod("a")]}), "none of its 1 items is a Node"),
        (json.dumps({"items": [node("n1"), {"kind": "Pod"}]}), "item 2, a Pod: it has no metadata.name"),
        (
            json.dumps({"items": [{"kind": "Node", "metadata": {"name": "n1"}}]}),
            "n1 has no status.allocatable",
        ),
        (
            json.dumps({"items": [pod("a", cpu="2 cores")]}),
            "item 1, a Pod: a: containers main: requests.cpu: '2 cores' is not a quantity",
        ),
        (json.dumps({"items": [{"kind": "Pod", "metadata": {"name": "a"}}]}), "a has no spec.containers"),
        (
            json.dumps({"items": [{"kind": "Pod", "metadata": []}]}),
            "metadata, spec and status must be objects",
        ),
    ],
    ids=[
        "yaml",
        "one object",
        "a bare list",
        "empty",
        "no nodes",
        "no name",
        "no allocatable",
        "no quantity",
        "no containers",
        "no objects",
    ],
)
def test_file_that_is_no_dump_is_refused_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "dump.json"
    path.write_text(text)
    with pytest.raises(DumpError) as caught:
        scenarios.dump(path)
    assert said in str(caught.value)
    assert "kubectl get pods,nodes --all-namespaces -o json" in str(caught.value)


def test_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match=r"No such file or directory\. Write it with: kubectl get pods,nodes"):
        scenarios.dump(tmp_path / "none.json")
