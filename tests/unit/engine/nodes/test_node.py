"""Pods on a process node, from the API's side."""

from __future__ import annotations

import sys

from kubelab.client import CONFIG_MAPS, LEASES, NODES, SECRETS, SERVICES, Object
from tests.measured import numbers, total

from .conftest import NODE, Lab, state_of


async def test_command_runs_and_its_output_and_exit_code_are_kept(lab: Lab) -> None:
    pod, lines = await lab.run("talker", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert sorted(lines) == ["err", "out"]
    assert pod["status"]["phase"] == "Failed"
    ended = state_of(pod)["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    assert pod["status"]["podIP"].startswith("127.")


async def test_pod_succeeds_with_upstreams_conditions(lab: Lab) -> None:
    pod, _ = await lab.run("fine", "true")
    conditions = {entry["type"]: entry for entry in pod["status"]["conditions"]}
    assert pod["status"]["phase"] == "Succeeded"
    assert conditions["Initialized"]["status"] == "True"
    assert conditions["Ready"]["reason"] == conditions["ContainersReady"]["reason"] == "PodCompleted"


async def test_python_is_this_interpreter(lab: Lab) -> None:
    _, lines = await lab.run("python", "python", "-c", "import sys; print(sys.prefix)")
    assert lines == [sys.prefix]


async def test_environment_comes_from_fields_resources_maps_and_secrets(lab: Lab) -> None:
    meta = {"namespace": "default"}
    await lab.client.create(
        CONFIG_MAPS,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "map", **meta},
            "data": {"colour": "red"},
        },
    )
    await lab.client.create(
        SECRETS,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "key", **meta},
            "stringData": {"word": "open"},
        },
    )
    env = [
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['team']"}}},
        {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "key", "key": "word"}}},
        {"name": "GREETING", "value": "$(POD)-$(WORD)-$(UNKNOWN)"},
    ]
    script = "echo $POD $ADDRESS $LABEL $LIMIT $WORD $GREETING $P_colour"
    pod, lines = await lab.run(
        "env",
        "sh",
        "-c",
        script,
        env=env,
        envFrom=[{"prefix": "P_", "configMapRef": {"name": "map"}}],
        resources={"limits": {"memory": "256Mi"}},
        labels={"team": "a"},
    )
    address = pod["status"]["podIP"]
    assert lines == [f"env {address} a 256 open env-open-$(UNKNOWN) red"]


async def test_missing_config_map_is_waited_for(one_lab: Lab) -> None:
    lab = one_lab
    env = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "x"}}}]
    await lab.create("waits", "sh", "-c", "echo $X", env=env)
    pod = await lab.when("waits", lambda pod: pod["status"].get("containerStatuses"))
    waiting = state_of(pod)["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": 'configmap "late" not found'}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "default"}}
    await lab.client.create(CONFIG_MAPS, {**body, "data": {"x": "now"}})
    await lab.ended("waits")
    assert await lab.log("waits") == ["now"]


async def test_volumes_appear_at_their_mount_paths(lab: Lab) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "files", "namespace": "default"}}
    await lab.client.create(CONFIG_MAPS, {**body, "data": {"a.txt": "A"}, "binaryData": {"b.bin": "/wA="}})
    volumes = [
        {"name": "files", "configMap": {"name": "files"}},
        {"name": "scratch", "emptyDir": {}},
        {
            "name": "about",
            "downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]},
        },
    ]
    mounts = [
        {"name": "files", "mountPath": "/opt/kubelab-test/files", "readOnly": True},
        {"name": "scratch", "mountPath": "/scratch-test"},
        {"name": "about", "mountPath": "/etc/podinfo-test"},
    ]
    script = (
        "cat /opt/kubelab-test/files/a.txt; echo; od -An -tx1 /opt/kubelab-test/files/b.bin; "
        "echo kept > /scratch-test/x; cat /scratch-test/x; cat /etc/podinfo-test/name"
    )
    _, lines = await lab.run("volumes", "sh", "-c", script, volumeMounts=mounts, spec={"volumes": volumes})
    assert lines == ["A", " ff 00", "kept", "volumes"]


async def test_unknown_image_says_what_the_node_has(one_lab: Lab) -> None:
    await one_lab.create("stranger", "true", image="example.com/stranger:1")
    pod = await one_lab.when(
        "stranger", lambda pod: "ImagePullBackOff" in str(pod["status"].get("containerStatuses"))
    )
    assert "kubelab/jax" in state_of(pod)["waiting"]["message"]
    assert pod["status"]["phase"] == "Pending"
    assert await one_lab.events("stranger", "BackOff")


async def test_unknown_command_is_a_start_error(lab: Lab) -> None:
    pod, _ = await lab.run("lost", "no-such-program")
    ended = state_of(pod)["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert 'exec: "no-such-program": executable file not found in $PATH' in ended["message"]


async def test_headless_service_names_resolve(lab: Lab) -> None:
    service = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"job": "j"}}
    meta = {"name": "team", "namespace": "default"}
    await lab.client.create(
        SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service}
    )
    script = (
        "import os, socket, time\n"
        "host, port = os.environ['PEER'].split(':')\n"
        "while True:\n"
        "  try: print(socket.gethostbyname(host), port); break\n"
        "  except OSError: time.sleep(0.01)\n"
        "time.sleep(float(os.environ['STAY']))"
    )
    for rank, stay in ((1, "0"), (0, "30")):
        await lab.create(
            f"team-{rank}",
            "python",
            "-c",
            script,
            env=[{"name": "PEER", "value": "team-node-0-0.team:29500"}, {"name": "STAY", "value": stay}],
            labels={"job": "j"},
            spec={"hostname": f"team-node-0-{rank}", "subdomain": "team", "terminationGracePeriodSeconds": 0},
        )
    first = await lab.running("team-0")
    await lab.ended("team-1")
    assert await lab.log("team-1") == [f"{first['status']['podIP']} 29500"]


async def test_coordinator_is_told_to_bind_the_pods_address(lab: Lab) -> None:
    pod, lines = await lab.run(
        "worker",
        "sh",
        "-c",
        "echo $JAX_COORDINATOR_BIND_ADDRESS",
        env=[
            {"name": "COORDINATOR_ADDRESS", "value": "worker"},
            {"name": "COORDINATOR_PORT", "value": "6666"},
        ],
    )
    assert lines == [f"{pod['status']['podIP']}:6666"]


async def test_node_object_is_ready_and_says_what_is_not_isolated(lab: Lab) -> None:
    node = await lab.client.get(NODES, NODE)
    conditions = {entry["type"]: entry for entry in node["status"]["conditions"]}
    assert conditions["Ready"]["status"] == "True"
    assert {conditions[f"{what}Pressure"]["status"] for what in ("Memory", "Disk", "PID")} == {"False"}
    assert ("mount paths" in conditions["Isolation"]["message"]) != lab.isolation.namespaces
    assert node["status"]["allocatable"]["cpu"]


async def test_node_renews_its_lease(one_lab: Lab) -> None:
    async def leases() -> list[Object]:
        return (await one_lab.client.list(LEASES, "kube-node-lease")).items

    (lease,) = await one_lab.until(leases, "a lease")
    assert lease["spec"]["holderIdentity"] == NODE


async def test_events_are_those_of_a_kubelet(one_lab: Lab) -> None:
    await one_lab.run("eventful", "true")
    for reason in ("Pulled", "Created", "Started"):
        (event,) = await one_lab.events("eventful", reason)
        assert event["involvedObject"]["fieldPath"] == "spec.containers{main}"
        assert event["source"] == {"component": "kubelet", "host": NODE}


async def test_the_start_of_a_pod_is_timed_once_also_if_the_node_comes_again(one_lab: Lab) -> None:
    def starts() -> float:
        return total(numbers(one_lab.measures.text()), "kubelet_pod_start_duration_seconds_count")

    await one_lab.create("one", "sleep", "60")
    await one_lab.create("two", "sleep", "60")
    await one_lab.running("one")
    await one_lab.running("two")
    assert starts() == 2
    await one_lab.stop_node()
    await one_lab.start_node()
    await one_lab.run("short", "true")
    assert starts() in {2, 3}  # a short one may have ended before it was seen running
