"""Makes the plan of a pod: what its supervisor will run, with everything resolved. Pure.

Where the machine refuses mount namespaces, volumes cannot appear at their mount paths and Service names
cannot resolve, so both are replaced in commands, arguments and environment.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kubelab.client import Object
from kubelab.engine.nodes import images
from kubelab.engine.nodes.environment import (
    ConfigurationError,
    Sources,
    containers_of,
    expand,
    resolve,
    resource_variables,
)
from kubelab.engine.nodes.launch import container_directory
from kubelab.engine.nodes.names import hostname_of
from kubelab.engine.nodes.plan import ContainerPlan, IsolationPlan, MountPlan, PodPlan, Role
from kubelab.engine.nodes.sandbox import WORKSPACE
from kubelab.quantities import cpu_millicores, whole

_COORDINATORS = ("JAX_COORDINATOR_ADDRESS", "COORDINATOR_ADDRESS")
_CACHE = "/tmp/jax-cache"  # noqa: S108 - the container's own /tmp
_BIND = "JAX_COORDINATOR_BIND_ADDRESS"
_TERMINATION_LOG = "/dev/termination-log"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOOKS = ("postStart", "preStop")
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_HOST_NAME = re.compile(r"(?<![\w.-])[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?![\w.-])")

_READ_ONLY = frozenset({"configMap", "downwardAPI", "projected", "secret"})
"""Volumes that a pod cannot write, whatever its mount says (upstream: pkg/volume, since 1.10)."""


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan is made from besides the pod.

    Attributes
    ----------
    directory : Path
        ``pods/<uid>``.
    volumes : mapping of str to Path
        Each volume's host path.
    address_of : callable
        ``address_of(name)`` is the address of a Service's name in the pod's namespace, or empty; only
        asked where names cannot be resolved otherwise.
    compilation_cache : Path or None
        Directory for what XLA compiles, shared by JAX jobs.
    """

    node: str
    directory: Path
    sources: Sources
    volumes: Mapping[str, Path]
    isolation: IsolationPlan
    start_time: str
    address_of: Callable[[str], str]
    compilation_cache: Path | None = None
    back_off_s: float = 10.0


def make_plan(pod: Object, context: PlanContext) -> PodPlan:
    """Return the plan.

    Raises
    ------
    ConfigurationError
        If an environment names what does not exist.
    """
    meta, spec = pod["metadata"], pod["spec"]
    grace_s = spec.get("terminationGracePeriodSeconds")
    return PodPlan(
        uid=meta["uid"],
        name=meta["name"],
        namespace=meta["namespace"],
        node=context.node,
        hostname=hostname_of(pod),
        address=context.sources.address,
        containers=[_container(pod, each, context) for each in containers_of(pod)],
        isolation=context.isolation,
        start_time=context.start_time,
        restart_policy=spec.get("restartPolicy", "Always"),
        grace_s=30.0 if grace_s is None else float(grace_s),
        deadline_s=spec.get("activeDeadlineSeconds"),
        back_off_s=context.back_off_s,
        keep_paths=kept_paths(),
        generation=meta.get("generation", 0),
        resources=spec.get("resources") or {},
    )


def resized(plan: PodPlan, pod: Object, allocatable: Mapping[str, str]) -> PodPlan:
    """Return the plan with the resources that the pod asks for now.

    Parameters
    ----------
    allocatable : mapping of str to str
        The node's: what a limit defaults to in an environment.
    """
    wanted = {each["name"]: each for each in containers_of(pod)}
    containers = []
    for each in plan.containers:
        container = wanted[each.name]
        env = {**each.env, **resource_variables(pod, container, allocatable)}
        containers.append(replace(each, **_resource_fields(container), env=env))
    return replace(plan, containers=containers, generation=pod["metadata"].get("generation", 0))


def allotted(container: Object) -> Object:
    """Return a container's requests and limits, without those that are empty."""
    resources = container.get("resources") or {}
    return {part: dict(resources[part]) for part in ("limits", "requests") if resources.get(part)}


def kept_paths() -> list[str]:
    """Return this interpreter's directories below /tmp, which a pod's own /tmp would hide."""
    paths = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path)}
    shared = "/tmp"  # noqa: S108 - it is what this asks about
    below = sorted(path for path in paths if Path(path).is_relative_to(shared) and Path(path).exists())
    return [path for path in below if not any(Path(path).is_relative_to(up) for up in below if up != path)]


def _container(pod: Object, container: Object, context: PlanContext) -> ContainerPlan:
    image = images.find(container["image"])
    role = _role(pod, container)
    env = resolve(container, context.sources, _defaults(pod, container, context))
    mounts = _mounts(pod, container, env, context)
    if runs_jax(env):
        _add_bind_address(env, context.sources.address)
        mounts += _add_compilation_cache(env, context)
    words = [*(container.get("command") or []), *(container.get("args") or [])] or image.command
    argv = [expand(word, env) for word in words]
    cwd = container.get("workingDir") or ""
    if not context.isolation.namespaces:
        log_path = container.get("terminationMessagePath") or _TERMINATION_LOG
        rewrite = rewriter(mounts, log_path, container_directory(context.directory, container["name"]))
        argv, cwd = [rewrite(word) for word in argv], rewrite(cwd)
        env = {name: _addressed(rewrite(value), context) for name, value in env.items()}
        container = _with_commands_rewritten(container, rewrite)
    security = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    return ContainerPlan(
        name=container["name"],
        image=container["image"],
        argv=argv,
        role=role,
        env=env,
        cwd=cwd,
        mounts=mounts,
        blocked=image.problem,
        restart_policy=_restart_policy(pod, container, role),
        restart_rules=container.get("restartPolicyRules") or [],
        **_resource_fields(container),
        probes={
            kind: _with_port_number(container[kind], container) for kind in _PROBES if container.get(kind)
        },
        lifecycle=_lifecycle(container),
        termination_message_path=container.get("terminationMessagePath") or _TERMINATION_LOG,
        termination_message_policy=container.get("terminationMessagePolicy") or "File",
        uid=security.get("runAsUser"),
        gid=security.get("runAsGroup"),
        read_only_root=bool(security.get("readOnlyRootFilesystem")),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
    )


def _role(pod: Object, container: Object) -> Role:
    if container not in (pod["spec"].get("initContainers") or []):
        return "main"
    return "sidecar" if container.get("restartPolicy") == "Always" else "init"


def _restart_policy(pod: Object, container: Object, role: Role) -> str:
    own = container.get("restartPolicy")
    policy = str(own or pod["spec"].get("restartPolicy", "Always"))
    return "OnFailure" if role == "init" and policy == "Always" else policy


def _resource_fields(container: Object) -> dict[str, Any]:
    resources = allotted(container)
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    policies = container.get("resizePolicy") or []
    return {
        "memory_limit_bytes": whole(limits.get("memory", 0)),
        "cpu_limit_millicores": cpu_millicores(limits.get("cpu", 0)),
        "cpu_request_millicores": cpu_millicores(requests.get("cpu", limits.get("cpu", 0))),
        "resources": resources,
        "restarts_when_resized": [
            each["resourceName"] for each in policies if each["restartPolicy"] == "RestartContainer"
        ],
    }


def _defaults(pod: Object, container: Object, context: PlanContext) -> dict[str, str]:
    """Return the image's own environment: this interpreter first on PATH, and a home of its own."""
    home = WORKSPACE
    if not context.isolation.namespaces:
        home = str(container_directory(context.directory, container["name"]) / "workspace")
    path = f"{Path(sys.executable).parent}:{_SYSTEM_PATH}"
    return {"PATH": path, "HOME": home, "HOSTNAME": hostname_of(pod), "LANG": "C.UTF-8"}


def _add_bind_address(env: dict[str, str], address: str) -> None:
    """Make JAX's coordinator listen on the pod's own address: jobs side by side may share a port."""
    coordinator = next((env[name] for name in _COORDINATORS if env.get(name)), "")
    port = coordinator.rpartition(":")[2] if ":" in coordinator else env.get("COORDINATOR_PORT", "")
    if port.isdigit():
        env.setdefault(_BIND, f"{address}:{port}")


def runs_jax(env: Mapping[str, str]) -> bool:
    """Say whether a container is one of a JAX job's processes, by its environment."""
    return any(name in env for name in _COORDINATORS) or "JAX_NUM_PROCESSES" in env


def _add_compilation_cache(env: dict[str, str], context: PlanContext) -> list[MountPlan]:
    """Let processes of JAX jobs share what XLA compiled, so that a relaunched job starts at once."""
    if "JAX_COMPILATION_CACHE_DIR" in env or context.compilation_cache is None:
        return []
    path = _CACHE if context.isolation.namespaces else str(context.compilation_cache)
    env["JAX_COMPILATION_CACHE_DIR"] = path
    env.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    env.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")
    # A program's key holds the path of XLA's caches for GPUs, which is another one in the notebook.
    env.setdefault("JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES", "none")
    return [MountPlan(str(context.compilation_cache), path)] if context.isolation.namespaces else []


def _mounts(pod: Object, container: Object, env: Mapping[str, str], context: PlanContext) -> list[MountPlan]:
    volumes = pod["spec"].get("volumes") or []
    read_only = {volume["name"] for volume in volumes if _READ_ONLY & set(volume)}
    mounts = []
    for mount in container.get("volumeMounts") or []:
        source = context.volumes[mount["name"]]
        sub_path = expand(mount.get("subPathExpr") or mount.get("subPath") or "", env)
        if Path(sub_path).is_absolute() or ".." in Path(sub_path).parts:  # a variable may have brought it in
            raise ConfigurationError(
                f"subPath {sub_path!r} must be a relative path that does not contain '..'"
            )
        fixed = bool(mount.get("readOnly")) or mount["name"] in read_only
        volume = str(source) if sub_path else ""
        mounts.append(MountPlan(str(source / sub_path), mount["mountPath"], fixed, volume))
    return mounts


def rewriter(mounts: list[MountPlan], log_path: str, directory: Path) -> Callable[[str], str]:
    """Return what replaces mount paths in a text by where the files are, for want of mount namespaces."""
    moved = {mount.target.rstrip("/"): mount.source for mount in mounts}
    moved[log_path] = str(directory / "termination-log")
    longest_first = sorted(moved, key=len, reverse=True)
    pattern = re.compile(
        r"(?<![\w./-])(" + "|".join(re.escape(target) for target in longest_first) + r")(?=/|[^\w.-]|$)"
    )
    return lambda text: pattern.sub(lambda match: moved[match.group(1)], text)


def _with_commands_rewritten(container: Object, rewrite: Callable[[str], str]) -> Object:
    """Return the container with the commands of its probes and hooks rewritten."""

    def rewritten(handler: Object) -> Object:
        command = (handler.get("exec") or {}).get("command")
        return {**handler, "exec": {"command": [rewrite(word) for word in command]}} if command else handler

    probes = {kind: rewritten(container[kind]) for kind in _PROBES if container.get(kind)}
    hooks = {
        name: rewritten(hook) if name in _HOOKS else hook
        for name, hook in (container.get("lifecycle") or {}).items()
    }
    return {**container, **probes, "lifecycle": hooks}


def _addressed(value: str, context: PlanContext) -> str:
    def replaced(match: re.Match[str]) -> str:
        return context.address_of(match.group(0)) or match.group(0)

    return _HOST_NAME.sub(replaced, value)


def _with_port_number(handler: Object, container: Object) -> Object:
    """Return a probe or hook whose named port is a number."""
    ports = {port["name"]: port["containerPort"] for port in container.get("ports") or [] if port.get("name")}
    changed = dict(handler)
    for kind in ("httpGet", "tcpSocket"):
        if target := handler.get(kind):
            changed[kind] = {**target, "port": ports.get(target["port"], target["port"])}
    return changed


def _lifecycle(container: Object) -> Object:
    lifecycle = container.get("lifecycle") or {}
    hooks = {name: _with_port_number(lifecycle[name], container) for name in _HOOKS if lifecycle.get(name)}
    stop = {"stopSignal": lifecycle["stopSignal"]} if lifecycle.get("stopSignal") else {}
    return {**hooks, **stop}
