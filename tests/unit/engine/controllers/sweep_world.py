"""A sweep on the in-process lab, whose pods and logs the test plays itself."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from kubelab.client import CONFIG_MAPS, EXPERIMENTS, JOBS, PODS, TRIALS, Object
from kubelab.sweeps.observations import load
from tests.unit.engine.controllers.lab import Lab
from tests.unit.engine.controllers.sweeps import to_create

NODE = "node"


class SweepWorld:
    """The node of a lab: it answers for the logs of its pods."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lines: dict[str, list[str]] = defaultdict(list)
        self.ended: set[str] = set()
        self.changed = asyncio.Condition()
        lab.server.register_node(NODE, self)  # type: ignore[arg-type]

    async def logs(self, pod: Object, container: str, options: Any) -> AsyncIterator[bytes]:
        name, position = pod["metadata"]["name"], 0
        while True:
            for number, line in enumerate(self.lines[name][position:], position + 1):
                position = number
                time = f"2026-01-31T12:00:{number % 60:02}.000000Z "
                yield f"{time if options.timestamps else ''}{line}\n".encode()
            async with self.changed:
                if position == len(self.lines[name]):
                    if not options.follow or name in self.ended:
                        return
                    await self.changed.wait()

    async def create(self, made: Object) -> None:
        """Create an Experiment."""
        await self.lab.client.create(EXPERIMENTS, to_create(made))

    async def pods_of_trials(self, number: int) -> list[Object]:
        """Wait until a number of trials' pods wait for a node, and return them, the oldest first."""

        def waiting(pods: dict[str, Object]) -> list[Object] | None:
            found = [
                pod
                for pod in pods.values()
                if not pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]
            ]
            found.sort(key=lambda pod: int(pod["metadata"]["resourceVersion"]))
            return found if len(found) >= number else None

        return list(await self.lab.until(PODS, waiting))[:number]

    async def start_db_manager(self) -> None:
        """Run the pod of Katib's db manager."""
        pods = await self.lab.until(PODS, lambda found: list(found.values()), namespace="kubeflow")
        await self.lab.set_phase(pods[0], "Running")

    async def start(self, pod: Object) -> None:
        """Run a pod."""
        await self.lab.set_phase(pod, "Running")

    async def print(self, pod: Object, *lines: str) -> None:
        """Let a pod print lines."""
        async with self.changed:
            self.lines[pod["metadata"]["name"]] += lines
            self.changed.notify_all()

    async def end(self, pod: Object, phase: str = "Succeeded") -> None:
        """End a pod."""
        async with self.changed:
            self.ended.add(pod["metadata"]["name"])
            self.changed.notify_all()
        await self.lab.set_phase(pod, phase)

    async def play(self, pod: Object, *lines: str, phase: str = "Succeeded") -> None:
        """Run a pod that prints lines, to its end."""
        await self.start(pod)
        await self.print(pod, *lines)
        await self.end(pod, phase)

    async def history(self, trial: str, metric: str, number: int) -> list[float]:
        """Wait until a trial's history holds a number of values of a metric, and return them."""

        def held(config_maps: dict[str, Object]) -> list[float] | None:
            reports = load(config_maps.get(f"{trial}-observations", {})).get(metric, ())
            return [report.value for report in reports] if len(reports) >= number else None

        return list(await self.lab.until(CONFIG_MAPS, held))

    async def trial(self, name: str, type_: str) -> Object:
        """Wait for a Trial's condition and return the Trial."""
        await self.lab.condition(TRIALS, name, type_)
        return await self.lab.client.get(TRIALS, name, "default")

    async def experiment(self, type_: str, name: str = "sweep") -> Object:
        """Wait for an Experiment's condition and return the Experiment."""
        await self.lab.condition(EXPERIMENTS, name, type_)
        return await self.lab.client.get(EXPERIMENTS, name, "default")

    async def jobs(self) -> list[str]:
        """Return the names of the Jobs that there are."""
        return sorted(
            each["metadata"]["name"] for each in (await self.lab.client.list(JOBS, "default")).items
        )


def trial_of(pod: Object) -> str:
    """Return the name of a pod's Trial."""
    return str(pod["metadata"]["labels"]["katib.kubeflow.org/trial"])
