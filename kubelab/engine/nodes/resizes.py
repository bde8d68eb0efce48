"""Carries out in a pod what its plan gives its containers now.

``plan.json`` is the truth: what it says of a container's resources is applied to a container that runs, or
is what the container starts with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kubelab.engine.nodes import cgroups
from kubelab.engine.nodes.container import Container
from kubelab.engine.nodes.plan import RESOURCE_FIELDS, ContainerPlan, PodPlan


class Resizes:
    """The resizes of one pod's containers.

    Attributes
    ----------
    error : str
        Why the last could not be carried out, in upstream's words; empty if it could.
    """

    def __init__(self, directory: Path, containers: Mapping[str, Container]) -> None:
        self.error = ""
        self._directory = directory
        self._containers = containers

    def apply(self) -> None:
        """Bring the containers to what the plan gives them, as far as that can be done now."""
        plan = PodPlan.load(self._directory)
        in_place = {}
        for each in plan.containers:
            container = self._containers[each.name]
            wanted = replace(container.plan, **{field: getattr(each, field) for field in RESOURCE_FIELDS})
            if not container.running:
                container.plan = wanted
            elif (
                container.stopping
            ):  # a run that ends for another reason is followed by one with the new plan
                container.next_plan = container.next_plan and wanted
            elif needs_restart(container.plan, wanted):
                container.replace(wanted, plan.grace_s)
            elif (kept := replace(wanted, env=container.plan.env)) != container.plan:
                in_place[each.name] = kept
        self.error = self._resize(in_place)
        requests = sum(container.plan.cpu_request_millicores for container in self._containers.values())
        cgroups.make_pod(cgroups.Hierarchy.of(plan.isolation), plan.uid, requests)

    def _resize(self, plans: Mapping[str, ContainerPlan]) -> str:
        problems = [
            problem for name, plan in plans.items() if (problem := _too_small(self._containers[name], plan))
        ]
        if problems:
            listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
            return f"cannot decrease memory limits: {listed}"
        for name, plan in plans.items():
            try:
                self._containers[name].resize(plan)
            except OSError as error:
                return f"failed to set the limits of container {name!r}: {error}"
        return ""


def needs_restart(now: ContainerPlan, wanted: ContainerPlan) -> bool:
    """Say whether a container asks to be restarted when these of its resources change."""
    return any(
        _quantities(now, resource) != _quantities(wanted, resource)
        for resource in wanted.restarts_when_resized
    )


def _quantities(plan: ContainerPlan, resource: str) -> list[str | None]:
    return [(plan.resources.get(part) or {}).get(resource) for part in ("requests", "limits")]


def _too_small(container: Container, wanted: ContainerPlan) -> str:
    """Return why a lower memory limit cannot be set: the kernel would kill the container at once."""
    limit, now = wanted.memory_limit_bytes, container.plan.memory_limit_bytes
    if not limit or (now and limit >= now):
        return ""
    _, used = container.sample()
    if used < limit:
        return ""
    name = container.plan.name
    return f'attempting to set container "{name}" memory limit ({limit}) below current usage ({used})'
