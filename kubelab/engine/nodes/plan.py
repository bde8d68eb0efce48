"""What a pod's supervisor carries out: everything resolved, so that it needs no API server.

The node side writes a `PodPlan` to ``pods/<uid>/plan.json`` before the supervisor starts. Only a resize
changes it, and of a container only `RESOURCE_FIELDS`.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Role = Literal["init", "sidecar", "main"]


@dataclass(frozen=True, slots=True)
class MountPlan:
    """One volume mount: a host path that the container sees at ``target``."""

    source: str
    target: str
    read_only: bool = False
    volume: str = ""
    """The volume that a sub-path must not lead out of; empty where all of it is mounted."""


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """One container, resolved.

    Attributes
    ----------
    argv : list of str
        Command and arguments.
    env : dict of str to str
        The whole environment: the process sees exactly this.
    blocked : str
        Why it cannot start (an image the node does not have); empty if it can.
    memory_limit_bytes, cpu_limit_millicores, cpu_request_millicores : int
        0 where not given.
    resources : dict
        The requests and limits that these are from, as in the pod's spec.
    restarts_when_resized : list of str
        Resources whose change asks for a restart.
    probes, lifecycle : dict
        As in the pod's spec, ports resolved to numbers.
    restart_rules : list of dict
        ``restartPolicyRules`` of the container.
    stdin, stdin_once, tty : bool
        Whether it has a standard input, whether that ends with the first who attaches, and whether its
        streams are a terminal.
    """

    name: str
    image: str
    argv: list[str]
    role: Role = "main"
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = ""
    mounts: list[MountPlan] = field(default_factory=list)
    blocked: str = ""
    restart_policy: str = "Always"
    restart_rules: list[dict[str, Any]] = field(default_factory=list)
    memory_limit_bytes: int = 0
    cpu_limit_millicores: int = 0
    cpu_request_millicores: int = 0
    resources: dict[str, Any] = field(default_factory=dict)
    restarts_when_resized: list[str] = field(default_factory=list)
    probes: dict[str, dict[str, Any]] = field(default_factory=dict)
    lifecycle: dict[str, Any] = field(default_factory=dict)
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: str = "File"
    uid: int | None = None
    gid: int | None = None
    read_only_root: bool = False
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


RESOURCE_FIELDS = (
    "memory_limit_bytes",
    "cpu_limit_millicores",
    "cpu_request_millicores",
    "resources",
    "restarts_when_resized",
    "env",
)
"""What a resize may change; a process that runs keeps the environment it has."""


@dataclass(frozen=True, slots=True)
class IsolationPlan:
    """What the machine lets a pod have of its own.

    Attributes
    ----------
    user_namespace : bool
        Whether the other namespaces need a user namespace (an ordinary user's do).
    namespaces : bool
        Whether mount and UTS namespaces can be had.
    memory_cgroup, cpu_cgroup : str
        Directories in which pods make their own; empty where not writable.
    cgroup_version : int
        1 or 2.
    """

    user_namespace: bool = False
    namespaces: bool = False
    memory_cgroup: str = ""
    cpu_cgroup: str = ""
    cgroup_version: int = 2


@dataclass(frozen=True, slots=True)
class PodPlan:
    """One pod, resolved.

    Attributes
    ----------
    generation : int
        The pod's when it was given these resources.
    resources : dict
        Requests and limits of the pod as a whole, as in its spec.
    """

    uid: str
    name: str
    namespace: str
    node: str
    hostname: str
    address: str
    containers: list[ContainerPlan]
    isolation: IsolationPlan
    start_time: str
    restart_policy: str = "Always"
    grace_s: float = 30.0
    deadline_s: float | None = None
    back_off_s: float = 10.0
    keep_paths: list[str] = field(default_factory=list)
    generation: int = 0
    resources: dict[str, Any] = field(default_factory=dict)

    def save(self, directory: Path) -> None:
        """Write ``plan.json`` so that a reader sees it whole or not at all."""
        write_json(directory / "plan.json", dataclasses.asdict(self))

    @staticmethod
    def load(directory: Path) -> PodPlan:
        """Read ``plan.json``."""
        document = read_json(directory / "plan.json")
        containers = [
            ContainerPlan(**{**entry, "mounts": [MountPlan(**mount) for mount in entry["mounts"]]})
            for entry in document.pop("containers")
        ]
        isolation = IsolationPlan(**document.pop("isolation"))
        return PodPlan(containers=containers, isolation=isolation, **document)


def write_json(path: Path, document: Any) -> None:
    """Replace a file at once, readable by its owner alone."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(document, file, separators=(",", ":"))
    temporary.replace(path)


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote.

    Raises
    ------
    FileNotFoundError
        If nothing was written.
    """
    return json.loads(path.read_bytes())
