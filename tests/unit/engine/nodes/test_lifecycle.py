"""How pods start again, are probed, are limited and end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from kubelab.client import PODS, Object
from kubelab.engine.nodes import probe
from kubelab.errors import NotFoundError

from .conftest import Lab, alive, state_of

_IGNORES_SIGTERM = "trap '' TERM; echo deaf; while true; do sleep 0.05; done"
_HEEDS_SIGTERM = "trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 0.05; done"


def _restarts(pod: Object) -> int:
    statuses = pod["status"].get("containerStatuses") or [{"restartCount": 0}]
    return int(statuses[0]["restartCount"])


async def _logged(lab: Lab, name: str, line: str) -> None:
    async def found() -> bool:
        return line in await lab.log(name)

    await lab.running(name)
    await lab.until(found, line)


async def _gone(lab: Lab, name: str) -> None:
    async def gone() -> bool:
        try:
            await lab.pod(name)
        except NotFoundError:
            return True
        return False

    await lab.until(gone, f"{name} to be gone")


async def test_failing_container_backs_off_as_upstream_words_it(one_lab: Lab) -> None:
    await one_lab.create("crasher", "sh", "-c", "exit 7", spec={"restartPolicy": "Always"})
    pod = await one_lab.when(
        "crasher", lambda pod: "CrashLoopBackOff" in str(pod["status"]) and _restarts(pod) >= 1
    )
    waiting = state_of(pod)["waiting"]
    uid = pod["metadata"]["uid"]
    assert waiting["message"].endswith(f"restarting failed container=main pod=crasher_default({uid})")
    status = pod["status"]["containerStatuses"][0]
    assert status["lastState"]["terminated"]["exitCode"] == 7
    assert pod["status"]["phase"] == "Running"
    await one_lab.events("crasher", "BackOff")


async def test_on_failure_restarts_until_success_and_previous_log_is_kept(one_lab: Lab) -> None:
    script = (
        "n=$(cat /data-test/n 2>/dev/null || echo 0); echo try $n; echo $((n+1)) > /data-test/n; [ $n = 1 ]"
    )
    await one_lab.create(
        "retry",
        "sh",
        "-c",
        script,
        volumeMounts=[{"name": "data", "mountPath": "/data-test"}],
        spec={"restartPolicy": "OnFailure", "volumes": [{"name": "data", "emptyDir": {}}]},
    )
    pod = await one_lab.ended("retry")
    assert (pod["status"]["phase"], _restarts(pod)) == ("Succeeded", 1)
    assert await one_lab.log("retry") == ["try 1"]
    assert await one_lab.log("retry", previous=True) == ["try 0"]


async def test_child_killed_by_sigkill_is_137(lab: Lab) -> None:
    pod, _ = await lab.run("killed", "sh", "-c", "kill -9 $$$$")
    ended = state_of(pod)["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")


async def test_memory_over_the_limit_is_oom_killed(lab: Lab) -> None:
    pod, _ = await _hog(lab)
    ended = state_of(pod)["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")


async def test_memory_is_measured_where_there_is_no_control_group(state_dir: Path) -> None:
    isolation = replace(probe(state_dir), memory_cgroup="", cpu_cgroup="")
    lab = Lab(state_dir, isolation, warm=False)
    await lab.start()
    try:
        pod, _ = await _hog(lab)
    finally:
        await lab.close()
    assert state_of(pod)["terminated"]["reason"] == "OOMKilled"


async def _hog(lab: Lab) -> tuple[Object, list[str]]:
    script = "import time; x = bytearray(300 << 20); time.sleep(30)"
    return await lab.run("hog", "python", "-c", script, resources={"limits": {"memory": "100Mi"}})


async def test_deleted_pod_gets_sigterm_and_its_grace(lab: Lab) -> None:
    await lab.create("polite", "sh", "-c", _HEEDS_SIGTERM)
    await _logged(lab, "polite", "up")
    await lab.client.delete(PODS, "polite", "default")
    await _gone(lab, "polite")
    await lab.until(lambda: not list((lab.state_dir / "pods").iterdir()), "its directory to be gone")


async def test_grace_ends_with_sigkill(lab: Lab) -> None:
    await lab.create("deaf", "sh", "-c", _IGNORES_SIGTERM, spec={"terminationGracePeriodSeconds": 1})
    await _logged(lab, "deaf", "deaf")
    await lab.client.delete(PODS, "deaf", "default")
    await _gone(lab, "deaf")
    await lab.events("deaf", "Killing")


async def test_an_orphan_is_reaped_while_its_pod_runs_on(one_lab: Lab) -> None:
    await one_lab.create("parent", "sh", "-c", "(sleep 0.01 & echo $!); sleep 1000")
    await one_lab.running("parent")
    (line,) = await one_lab.until(lambda: one_lab.log("parent"), "the orphan's pid")
    await one_lab.until(lambda: not alive(int(line)), "the orphan to be reaped")
    assert (await one_lab.pod("parent"))["status"]["phase"] == "Running"


async def test_a_container_keeps_the_time_that_its_orphans_used(one_lab: Lab) -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    pod = await one_lab.create("parent", "sh", "-c", f"(python -c '{burn}' & echo $!); sleep 1000")
    await one_lab.running("parent")
    (line,) = await one_lab.until(lambda: one_lab.log("parent"), "the orphan's pid")
    await one_lab.until(lambda: not alive(int(line)), "the orphan to be reaped")
    usage = one_lab.state_dir / "pods" / pod["metadata"]["uid"] / "usage.json"

    def counted() -> bool:
        return usage.exists() and json.loads(usage.read_text())[-1]["cpu_s"] >= 0.4

    await one_lab.until(counted, "its time")


async def test_leftover_processes_of_a_container_end_with_it(lab: Lab) -> None:
    _, lines = await lab.run("forker", "sh", "-c", "sleep 1000 & echo $!; setsid sleep 1000 & exit 0")
    await lab.until(lambda: not alive(int(lines[0])), "the child to end")


async def test_active_deadline_fails_the_pod(one_lab: Lab) -> None:
    spec = {"activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 0}
    pod, _ = await one_lab.run("late", "sleep", "60", spec=spec)
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "DeadlineExceeded")


async def test_init_containers_run_in_order_before_the_others(one_lab: Lab) -> None:
    mounts = [{"name": "data", "mountPath": "/data-test"}]

    def step(name: str, script: str) -> Object:
        return {"name": name, "image": "busybox", "command": ["sh", "-c", script], "volumeMounts": mounts}

    spec = {
        "volumes": [{"name": "data", "emptyDir": {}}],
        "initContainers": [step("one", "echo 1 >> /data-test/x"), step("two", "echo 2 >> /data-test/x")],
    }
    pod, lines = await one_lab.run("stepped", "cat", "/data-test/x", volumeMounts=mounts, spec=spec)
    assert lines == ["1", "2"]
    assert [status["ready"] for status in pod["status"]["initContainerStatuses"]] == [True, True]


async def test_failing_init_container_fails_a_pod_that_never_restarts(one_lab: Lab) -> None:
    init = {"name": "bad", "image": "busybox", "command": ["false"]}
    await one_lab.create("unlucky", "true", spec={"initContainers": [init]})
    pod = await one_lab.ended("unlucky")
    assert pod["status"]["phase"] == "Failed"
    assert state_of(pod)["waiting"]["reason"] == "PodInitializing"


async def test_sidecar_starts_first_and_ends_last(one_lab: Lab) -> None:
    mounts = [{"name": "data", "mountPath": "/data-test"}]
    sidecar = {
        "name": "sidecar",
        "image": "busybox",
        "command": ["sh", "-c", "touch /data-test/up; trap 'exit 0' TERM; while true; do sleep 0.05; done"],
        "restartPolicy": "Always",
        "volumeMounts": mounts,
        "startupProbe": {"exec": {"command": ["ls", "/data-test/up"]}, "periodSeconds": 1},
    }
    spec = {"volumes": [{"name": "data", "emptyDir": {}}], "initContainers": [sidecar]}
    pod, lines = await one_lab.run("pair", "ls", "/data-test", volumeMounts=mounts, spec=spec)
    assert lines == ["up"]
    assert pod["status"]["phase"] == "Succeeded"
    assert state_of(pod, "sidecar")["terminated"]["exitCode"] == 0


async def test_readiness_probe_decides_whether_the_pod_is_ready(lab: Lab) -> None:
    probe = {"exec": {"command": ["test", "-e", "/data-test/ready"]}, "periodSeconds": 1}
    await lab.create(
        "prober",
        "sh",
        "-c",
        "sleep 0.5; touch /data-test/ready; sleep 60",
        readinessProbe=probe,
        volumeMounts=[{"name": "data", "mountPath": "/data-test"}],
        spec={"volumes": [{"name": "data", "emptyDir": {}}], "terminationGracePeriodSeconds": 0},
    )
    pod = await lab.running("prober")
    assert not pod["status"]["containerStatuses"][0]["ready"]
    await lab.when("prober", lambda pod: pod["status"]["containerStatuses"][0]["ready"])
    await lab.events("prober", "Unhealthy")


async def test_liveness_probe_restarts_the_container(one_lab: Lab) -> None:
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1}
    spec = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 0}
    await one_lab.create("dull", "sleep", "60", livenessProbe=probe, spec=spec)
    await one_lab.when("dull", lambda pod: _restarts(pod) >= 1)
    killing = await one_lab.events("dull", "Killing")
    assert "failed liveness probe, will be restarted" in str(killing)


async def test_http_probe_asks_the_pods_own_address(one_lab: Lab) -> None:
    probe = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1}
    await one_lab.create(
        "web",
        "sh",
        "-c",
        "exec python -m http.server 8099 --bind $ADDRESS",
        env=[{"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        ports=[{"name": "web", "containerPort": 8099}],
        readinessProbe=probe,
        spec={"terminationGracePeriodSeconds": 0},
    )
    await one_lab.running("web")
    await one_lab.when("web", lambda pod: pod["status"]["containerStatuses"][0]["ready"])


async def test_hooks_run_after_start_and_before_stop(lab: Lab) -> None:
    lifecycle = {
        "postStart": {"exec": {"command": ["sh", "-c", "echo started > /data-test/log"]}},
        "preStop": {"exec": {"command": ["sh", "-c", "echo stopping >> /data-test/log"]}},
    }
    host = lab.state_dir / "hooks"
    host.mkdir()
    await lab.create(
        "hooked",
        "sh",
        "-c",
        _HEEDS_SIGTERM,
        lifecycle=lifecycle,
        volumeMounts=[{"name": "data", "mountPath": "/data-test"}],
        spec={"volumes": [{"name": "data", "hostPath": {"path": str(host)}}]},
    )
    await _logged(lab, "hooked", "up")
    await lab.until((host / "log").exists, "the postStart hook")
    await lab.client.delete(PODS, "hooked", "default")
    await _gone(lab, "hooked")
    assert (host / "log").read_text().split() == ["started", "stopping"]


async def test_termination_message_is_read(lab: Lab) -> None:
    pod, _ = await lab.run("spoke", "sh", "-c", "echo last words > /dev/termination-log")
    assert state_of(pod)["terminated"]["message"] == "last words\n"


async def test_last_log_lines_stand_in_for_a_message(one_lab: Lab) -> None:
    pod, _ = await one_lab.run(
        "fell", "sh", "-c", "echo why; exit 1", terminationMessagePolicy="FallbackToLogsOnError"
    )
    assert state_of(pod)["terminated"]["message"] == "why"


async def test_container_rule_restarts_on_its_exit_code_alone(one_lab: Lab) -> None:
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    script = "test -e /data-test/x && exit 3; touch /data-test/x; exit 42"
    await one_lab.create(
        "ruled",
        "sh",
        "-c",
        script,
        restartPolicy="Never",
        restartPolicyRules=rules,
        volumeMounts=[{"name": "data", "mountPath": "/data-test"}],
        spec={"volumes": [{"name": "data", "emptyDir": {}}]},
    )
    pod = await one_lab.ended("ruled")
    assert _restarts(pod) == 1
    assert state_of(pod)["terminated"]["exitCode"] == 3
