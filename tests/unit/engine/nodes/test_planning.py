"""What a pod's plan says, with and without namespaces."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.nodes.environment import ConfigurationError, Sources
from kubelab.engine.nodes.plan import ContainerPlan, IsolationPlan, PodPlan
from kubelab.engine.nodes.planning import PlanContext, make_plan

_DIRECTORY = Path("/state/pods/u")


def _pod(**container: Any) -> Object:
    main = {"name": "main", "image": "kubelab/jax", **container}
    meta = {"name": "p", "namespace": "n", "uid": "u"}
    return {"metadata": meta, "spec": {"containers": [main], "restartPolicy": "Never"}}


def _plan(pod: Object, *, namespaces: bool = True, **more: Any) -> ContainerPlan:
    context = PlanContext(
        node="node",
        directory=_DIRECTORY,
        sources=Sources(pod, "127.9.0.2", "127.0.0.1", {"cpu": "2", "memory": "1Gi"}),
        volumes={"code": Path("/state/pods/u/volumes/code")},
        isolation=IsolationPlan(namespaces=namespaces),
        start_time="2026-01-01T00:00:00Z",
        address_of=lambda name: {"w-0.job": "127.9.0.7"}.get(name, ""),
        **more,
    )
    return make_plan(pod, context).containers[0]


@pytest.mark.parametrize(
    ("source", "read_only"), [("configMap", True), ("secret", True), ("emptyDir", False)]
)
def test_volumes_of_the_api_cannot_be_written(source: str, read_only: bool) -> None:
    pod = _pod(volumeMounts=[{"name": "code", "mountPath": "/code"}])
    pod["spec"]["volumes"] = [{"name": "code", source: {}}]
    assert [mount.read_only for mount in _plan(pod).mounts] == [read_only]


def test_image_gives_the_command_that_the_pod_does_not() -> None:
    assert _plan(_pod()).argv == ["python3"]
    assert _plan(_pod(args=["ls", "-l"])).argv == ["ls", "-l"]
    assert _plan(_pod(command=["sh"], args=["-c", "$(HOME)"])).argv == ["sh", "-c", "/workspace"]


def test_this_interpreter_comes_first_on_the_path() -> None:
    assert _plan(_pod()).env["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_path_of_the_pod_is_its_own() -> None:
    assert _plan(_pod(env=[{"name": "PATH", "value": "/x"}])).env["PATH"] == "/x"


def test_limits_are_bytes_and_millicores() -> None:
    plan = _plan(_pod(resources={"limits": {"memory": "1Mi", "cpu": "1.5"}, "requests": {"cpu": "250m"}}))
    assert (plan.memory_limit_bytes, plan.cpu_limit_millicores, plan.cpu_request_millicores) == (
        1 << 20,
        1500,
        250,
    )


def test_coordinator_binds_the_pods_address_unless_told_otherwise() -> None:
    address = [{"name": "JAX_COORDINATOR_ADDRESS", "value": "w-0.job:29500"}]
    assert _plan(_pod(env=address)).env["JAX_COORDINATOR_BIND_ADDRESS"] == "127.9.0.2:29500"
    own = [*address, {"name": "JAX_COORDINATOR_BIND_ADDRESS", "value": "0.0.0.0:1"}]
    assert _plan(_pod(env=own)).env["JAX_COORDINATOR_BIND_ADDRESS"] == "0.0.0.0:1"
    assert "JAX_COORDINATOR_BIND_ADDRESS" not in _plan(_pod()).env


def test_jax_processes_share_a_compilation_cache() -> None:
    env = [{"name": "JAX_NUM_PROCESSES", "value": "2"}]
    plan = _plan(_pod(env=env), compilation_cache=Path("/state/jax-cache"))
    (mount,) = plan.mounts
    assert (mount.source, mount.target) == ("/state/jax-cache", plan.env["JAX_COMPILATION_CACHE_DIR"])
    assert plan.env["JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES"] == "none"
    assert "JAX_COMPILATION_CACHE_DIR" not in _plan(_pod(), compilation_cache=Path("/state/jax-cache")).env


def test_server_of_kubernetes_is_never_named() -> None:
    assert "KUBERNETES_SERVICE_HOST" not in _plan(_pod()).env


def test_without_namespaces_paths_and_names_are_replaced() -> None:
    pod = _pod(
        command=["python", "/opt/code/x.py", "--out=/opt/codes", "/dev/termination-log"],
        env=[{"name": "CODE", "value": "/a:/opt/code"}, {"name": "PEER", "value": "w-0.job:29500"}],
        volumeMounts=[{"name": "code", "mountPath": "/opt/code"}],
        livenessProbe={"exec": {"command": ["ls", "/opt/code"]}},
    )
    plan = _plan(pod, namespaces=False)
    volume = "/state/pods/u/volumes/code"
    log = "/state/pods/u/containers/main/termination-log"
    assert plan.argv == ["python", f"{volume}/x.py", "--out=/opt/codes", log]
    assert (plan.env["CODE"], plan.env["PEER"]) == (f"/a:{volume}", "127.9.0.7:29500")
    assert plan.probes["livenessProbe"]["exec"]["command"] == ["ls", volume]
    assert plan.env["HOME"] == "/state/pods/u/containers/main/workspace"


@pytest.mark.parametrize("inside", ["../../etc", "/etc"])
def test_a_sub_path_that_a_variable_leads_out_of_the_volume_is_refused(inside: str) -> None:
    pod = _pod(
        env=[{"name": "INSIDE", "value": inside}],
        volumeMounts=[{"name": "code", "mountPath": "/opt/code", "subPathExpr": "$(INSIDE)"}],
    )
    with pytest.raises(ConfigurationError, match=r"must be a relative path"):
        _plan(pod)


def test_probe_ports_may_be_names() -> None:
    pod = _pod(ports=[{"name": "web", "containerPort": 80}], readinessProbe={"httpGet": {"port": "web"}})
    assert _plan(pod).probes["readinessProbe"]["httpGet"]["port"] == 80


def test_plan_survives_being_written_down(tmp_path: Path) -> None:
    container = replace(_plan(_pod(volumeMounts=[{"name": "code", "mountPath": "/c"}])), uid=7)
    plan = PodPlan("u", "p", "n", "node", "p", "127.9.0.2", [container], IsolationPlan(), "t", deadline_s=5)
    plan.save(tmp_path)
    assert PodPlan.load(tmp_path) == plan
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600
