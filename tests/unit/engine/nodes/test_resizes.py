"""Pods that are resized while their processes run."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubelab.client import NODES, PODS, Object
from kubelab.engine.nodes import launch, pod_worker, probe, processes
from kubelab.engine.nodes.cgroups import Group, Hierarchy
from kubelab.engine.nodes.plan import read_json
from kubelab.quantities import cpu_millicores

from .conftest import NODE, Lab, alive, state_of

_WAITS = ("sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.05; done")
_QUICK = {"terminationGracePeriodSeconds": 5, "restartPolicy": "Always"}
_MIB = 1 << 20


async def resize(lab: Lab, name: str, requests: Object | None = None, limits: Object | None = None) -> Object:
    resources = {part: given for part, given in (("requests", requests), ("limits", limits)) if given}
    patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    return await lab.client.patch(PODS, name, patch, "default", type="strategic", subresource="resize")


def status_of(pod: Object) -> Object:
    found: Object = (pod["status"].get("containerStatuses") or [{}])[0]
    return found


def condition(pod: Object, kind: str) -> Object | None:
    return next((each for each in pod["status"].get("conditions") or [] if each["type"] == kind), None)


async def resized(lab: Lab, name: str) -> Object:
    """Wait until a pod's containers have what it asks for."""
    wanted = (await lab.pod(name))["spec"]["containers"][0]["resources"]
    return await lab.when(
        name,
        lambda pod: (
            status_of(pod).get("resources") == wanted
            and state_of(pod).get("running")
            and not condition(pod, "PodResizeInProgress")
        ),
    )


def group_of(lab: Lab, pod: Object) -> Group:
    isolation = lab.isolation
    hierarchy = Hierarchy(isolation.cgroup_version, isolation.memory_cgroup, isolation.cpu_cgroup)
    return Group(hierarchy, f"{pod['metadata']['uid']}/main")


def memory_limit(group: Group) -> int:
    assert group.memory
    paths = [group.memory / name for name in ("memory.limit_in_bytes", "memory.max")]
    return int(next(path for path in paths if path.exists()).read_text())


def cpu_limit(group: Group) -> int:
    """Return millicores."""
    assert group.cpu
    if (group.cpu / "cpu.max").exists():
        quota, period = (group.cpu / "cpu.max").read_text().split()
    else:
        quota, period = ((group.cpu / f"cpu.cfs_{part}_us").read_text() for part in ("quota", "period"))
    return int(quota) * 1000 // int(period)


async def test_the_limits_of_a_running_process_are_changed(lab: Lab) -> None:
    if not (lab.isolation.memory_cgroup and lab.isolation.cpu_cgroup):
        pytest.skip("this machine lets nobody write control groups")
    first = {"cpu": "200m", "memory": "64Mi"}
    await lab.create("web", *_WAITS, resources={"limits": first, "requests": {"cpu": "100m"}}, spec=_QUICK)
    pod = await lab.running("web")
    assert status_of(pod)["resources"]["limits"] == first
    for limits, millicores, mib in (
        ({"cpu": "500m", "memory": "128Mi"}, 500, 128),
        ({"cpu": "300m", "memory": "96Mi"}, 300, 96),
    ):
        await resize(lab, "web", {"cpu": "150m"}, limits)
        pod = await resized(lab, "web")
        group = group_of(lab, pod)
        assert (cpu_limit(group), memory_limit(group)) == (millicores, mib * _MIB)
    assert status_of(pod)["restartCount"] == 0
    assert status_of(pod)["allocatedResources"] == {"cpu": "150m", "memory": "64Mi"}


async def test_each_resize_is_told_as_a_kubelet_tells_it(one_lab: Lab) -> None:
    await one_lab.create("web", *_WAITS, resources={"requests": {"cpu": "10m"}}, spec=_QUICK)
    await one_lab.running("web")
    await resize(one_lab, "web", {"cpu": "20m"})
    (started,) = await one_lab.events("web", "ResizeStarted")
    (completed,) = await one_lab.events("web", "ResizeCompleted")
    told = '{"containers":[{"name":"main","resources":{"requests":{"cpu":"20m"}}}],"generation":2}'
    assert started["message"] == f"Pod resize started: {told}"
    assert completed["message"] == f"Pod resize completed: {told}"


async def test_a_new_measured_limit_ends_what_has_grown_over_it(state_dir: Path) -> None:
    isolation = replace(probe(state_dir), memory_cgroup="", cpu_cgroup="")
    lab = Lab(state_dir, isolation, warm=False)
    await lab.start()
    try:
        script = (
            "import os, time\nwhile not os.path.exists('go'): time.sleep(0.05)\n"
            "x = bytearray(200 << 20)\nprint('large', flush=True)\ntime.sleep(60)"
        )
        await lab.create("grows", "python", "-c", script, resources={"requests": {"memory": "1Mi"}})
        pod = await lab.running("grows")
        await resize(lab, "grows", {"memory": "1Mi"}, {"memory": "100Mi"})
        await resized(lab, "grows")
        directory = lab.state_dir / "pods" / pod["metadata"]["uid"]
        (launch.container_directory(directory, "main") / "workspace" / "go").touch()
        pod = await lab.ended("grows")
    finally:
        await lab.close()
    assert state_of(pod)["terminated"]["reason"] == "OOMKilled"


async def test_a_limit_below_what_is_in_use_waits_until_that_is_freed(one_lab: Lab) -> None:
    script = (
        "import signal, time\nx = bytearray(150 << 20)\n"
        "def free(*_):\n    global x\n    x = None\n"
        "signal.signal(signal.SIGUSR1, free)\nprint('large', flush=True)\n"
        "while True: time.sleep(0.1)"
    )
    await one_lab.create(
        "large",
        "python",
        "-c",
        script,
        resources={"limits": {"memory": "300Mi"}, "requests": {"memory": "1Mi"}},
    )
    await one_lab.running("large")

    async def grown() -> bool:
        return "large" in await one_lab.log("large")

    await one_lab.until(grown, "the array")
    await resize(one_lab, "large", limits={"memory": "100Mi"})
    pod = await one_lab.when("large", lambda pod: (condition(pod, "PodResizeInProgress") or {}).get("reason"))
    found = condition(pod, "PodResizeInProgress") or {}
    assert found["reason"] == "Error"
    text = 'cannot decrease memory limits: attempting to set container "main" memory limit (104857600) below'
    assert found["message"].startswith(f"{text} current usage (")
    assert status_of(pod)["resources"]["limits"] == {"memory": "300Mi"}
    await one_lab.events("large", "ResizeError")
    report = one_lab.node._workers[pod["metadata"]["uid"]].report or {}
    process = report["containers"][0]["pid"]
    os.kill(process, signal.SIGUSR1)
    pod = await resized(one_lab, "large")
    assert alive(process)
    assert status_of(pod)["restartCount"] == 0


async def test_a_container_restarts_for_a_resize_where_its_policy_says_so(one_lab: Lab) -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    env = [{"name": "REQUEST", "valueFrom": {"resourceFieldRef": {"resource": "requests.memory"}}}]
    script = "echo asked $REQUEST; trap 'exit 0' TERM; while true; do sleep 0.05; done"
    requests = {"memory": "1Ki", "cpu": "10m"}
    await one_lab.create(
        "web",
        "sh",
        "-c",
        script,
        env=env,
        resources={"requests": requests},
        resizePolicy=policy,
        spec=_QUICK,
    )
    await one_lab.running("web")
    await resize(one_lab, "web", {"cpu": "20m"})
    pod = await resized(one_lab, "web")
    assert status_of(pod)["restartCount"] == 0
    await resize(one_lab, "web", {"memory": "2Ki"})
    pod = await resized(one_lab, "web")
    assert status_of(pod)["restartCount"] == 1
    assert status_of(pod)["lastState"]["terminated"]["exitCode"] == 0
    (event,) = await one_lab.events("web", "Killing")
    assert event["message"] == "Container main resize requires restart"

    async def logged() -> bool:
        return await one_lab.log("web") == ["asked 2048"]

    await one_lab.until(logged, "the new value")
    assert await one_lab.log("web", previous=True) == ["asked 1024"]


async def test_a_resize_that_does_not_fit_waits_for_room(one_lab: Lab) -> None:
    node = await one_lab.client.get(NODES, NODE)
    cpu = cpu_millicores(node["status"]["allocatable"]["cpu"])
    await one_lab.create("big", *_WAITS, resources={"requests": {"cpu": f"{cpu * 7 // 10}m"}}, spec=_QUICK)
    await one_lab.create("small", *_WAITS, resources={"requests": {"cpu": "10m"}}, spec=_QUICK)
    await one_lab.running("big")
    await one_lab.running("small")
    await resize(one_lab, "small", {"cpu": f"{cpu // 2}m"})
    pod = await one_lab.when("small", lambda pod: condition(pod, "PodResizePending"))
    found = condition(pod, "PodResizePending") or {}
    figures = f"requested: {cpu // 2}, used: {cpu * 7 // 10}, capacity: {cpu}"
    assert (found["reason"], found["observedGeneration"]) == ("Deferred", 2)
    assert found["message"] == f"Node didn't have enough resource: cpu, {figures}"
    assert status_of(pod)["allocatedResources"] == {"cpu": "10m"}
    (event,) = await one_lab.events("small", "ResizeDeferred")
    assert event["message"].startswith('Pod resize OutOfcpu: {"containers":[{"name":"main"')
    await one_lab.client.delete(PODS, "big", "default")
    pod = await resized(one_lab, "small")
    assert condition(pod, "PodResizePending") is None


async def test_a_resize_is_carried_out_by_a_node_that_comes_back(one_lab: Lab) -> None:
    await one_lab.create("web", *_WAITS, resources={"requests": {"cpu": "10m"}}, spec=_QUICK)
    pod = await one_lab.running("web")
    await resize(one_lab, "web", {"cpu": "20m"})
    await resized(one_lab, "web")
    await one_lab.stop_node()
    await resize(one_lab, "web", {"cpu": "30m"})
    await one_lab.start_node()
    again = await resized(one_lab, "web")
    assert status_of(again)["containerID"] == status_of(pod)["containerID"]
    await one_lab.when("web", lambda pod: status_of(pod)["allocatedResources"] == {"cpu": "30m"})


async def test_a_pod_that_ended_while_the_node_was_away_is_not_resized(one_lab: Lab) -> None:
    script = "while [ ! -e $HOME/go ]; do sleep 0.05; done"
    await one_lab.create("brief", "sh", "-c", script, resources={"requests": {"cpu": "10m"}})
    pod = await one_lab.running("brief")
    await one_lab.stop_node()
    directory = one_lab.state_dir / "pods" / pod["metadata"]["uid"]
    (launch.container_directory(directory, "main") / "workspace" / "go").touch()
    await one_lab.until(lambda: read_json(directory / "status.json")["ended"], "its end")
    await resize(one_lab, "brief", {"cpu": "20m"})
    await one_lab.start_node()
    pod = await one_lab.ended("brief")
    assert status_of(pod)["allocatedResources"] == {"cpu": "10m"}


async def test_a_killed_supervisor_starts_again_with_what_the_pod_was_given(one_lab: Lab) -> None:
    await one_lab.create("web", *_WAITS, resources={"requests": {"cpu": "10m"}}, spec=_QUICK)
    pod = await one_lab.running("web")
    await resize(one_lab, "web", {"cpu": "20m"})
    await resized(one_lab, "web")
    directory = one_lab.state_dir / "pods" / pod["metadata"]["uid"]
    os.kill(processes.recorded(directory / "supervisor.json"), signal.SIGKILL)
    again = await one_lab.when(
        "web", lambda pod: status_of(pod)["restartCount"] == 1 and state_of(pod).get("running")
    )
    assert status_of(again)["resources"] == {"requests": {"cpu": "20m"}}


async def test_an_init_container_is_resized_while_it_runs(one_lab: Lab) -> None:
    first = {"name": "first", "image": "busybox", "command": list(_WAITS)}
    first["resources"] = {"requests": {"cpu": "10m"}}
    await one_lab.create("web", "true", spec={**_QUICK, "initContainers": [first]})

    def has(pod: Object) -> Object:
        entry: Object = (pod["status"].get("initContainerStatuses") or [{}])[0]
        return (entry.get("resources") or {}) if (entry.get("state") or {}).get("running") else {}

    await one_lab.when("web", has)
    changed = {"spec": {"initContainers": [{"name": "first", "resources": {"requests": {"cpu": "20m"}}}]}}
    await one_lab.client.patch(PODS, "web", changed, "default", type="strategic", subresource="resize")
    await one_lab.when("web", lambda pod: has(pod) == {"requests": {"cpu": "20m"}})


async def test_the_downward_api_tells_a_running_container_what_it_was_given(
    one_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_worker, "_RENEW_VOLUMES_S", 0.0)
    reference = {"containerName": "main", "resource": "requests.cpu", "divisor": "1m"}
    item = {"path": "cpu", "resourceFieldRef": reference}
    await one_lab.create(
        "web",
        *("sh", "-c", "echo env $CPU; while true; do cat /downward/cpu; echo; sleep 0.1; done"),
        env=[{"name": "CPU", "valueFrom": {"resourceFieldRef": reference}}],
        resources={"requests": {"cpu": "10m"}},
        volumeMounts=[{"name": "downward", "mountPath": "/downward"}],
        spec={**_QUICK, "volumes": [{"name": "downward", "downwardAPI": {"items": [item]}}]},
    )
    await one_lab.running("web")
    await resize(one_lab, "web", {"cpu": "20m"})

    async def told() -> bool:
        return (await one_lab.log("web"))[-1] == "20"

    await one_lab.until(told, "the new value")
    lines = await one_lab.log("web")
    assert lines[0] == "env 10"
    assert set(filter(None, lines[1:])) == {"10", "20"}


def test_a_memory_limit_may_grow_and_shrink_with_the_limit_of_swap(tmp_path: Path) -> None:
    """The kernel refuses a limit of memory and swap below that of memory: what is in the way goes first."""
    group = Group(Hierarchy(1, str(tmp_path), ""), "pod/main")
    assert group.memory
    group.memory.mkdir(parents=True)
    order: list[str] = []
    for name in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"):
        (group.memory / name).write_text("100")
    original = Path.write_text

    def noted(path: Path, text: str, *args: Any, **kwargs: Any) -> int:
        order.append(path.name)
        return original(path, text, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_text", noted)
        group.resize(200, 0, 0)
        group.resize(50, 0, 0)
    assert order == [
        "memory.memsw.limit_in_bytes",
        "memory.limit_in_bytes",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
    ]
