"""A sweep on a real API server whose trials the test plays itself: no controller runs."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable, Sequence
from typing import Any

from kubelab import portal
from kubelab.client import CONFIG_MAPS, EXPERIMENTS, SUGGESTIONS, TRIALS, Client, Object, Resource
from kubelab.engine.controllers.katib.histories import history_object
from kubelab.errors import NotFoundError
from kubelab.sweeps import Sweep
from kubelab.sweeps.observations import dump
from kubelab.tuning import Report
from tests.unit.engine.controllers.sweeps import JOB, condition, experiment, suggestion, to_create, trial

PARAMETERS: list[Object] = [
    {
        "name": "lr",
        "parameterType": "double",
        "feasibleSpace": {"min": "0.001", "max": "1", "distribution": "logUniform"},
    },
    {"name": "kind", "parameterType": "categorical", "feasibleSpace": {"list": ["plain", "<b>bold</b>"]}},
]


ARGUMENTS = "${trialParameters.lr} ${trialParameters.kind}"


def template() -> Object:
    """Return a trial template that refers to both parameters."""
    job = copy.deepcopy(JOB)
    job["spec"]["template"]["spec"]["containers"][0]["args"] = [ARGUMENTS]
    referred = [{"name": each["name"], "reference": each["name"]} for each in PARAMETERS]
    return {"trialParameters": referred, "trialSpec": job}


class PlayedSweep:
    """One Experiment ``sweep`` in namespace ``default`` that minimizes ``loss``.

    Parameters
    ----------
    client : Client
        The server's API.
    spec : dict
        What is other than usual in the Experiment's spec.
    """

    name = "sweep"

    def __init__(self, client: Client, **spec: Any) -> None:
        self.client = client
        self.trials = 0
        self.made = experiment(
            self.name, template=template(), **{"parameters": PARAMETERS, "maxTrialCount": 10, **spec}
        )
        created = portal.run(client.create(EXPERIMENTS, to_create(self.made)))
        self.uid = created["metadata"]["uid"]
        body = {**suggestion(self.made), "metadata": {"name": self.name, "namespace": "default"}}
        portal.run(client.create(SUGGESTIONS, body))

    def handle(self) -> Sweep:
        return Sweep(self.client, "default", self.name, self.uid)

    def suggest(self, count: int) -> None:
        """Have more trials suggested and created."""
        numbers = range(self.trials, self.trials + count)
        self.trials += count
        suggested = [
            {"name": self.trial_name(each), "parameterAssignments": self._assignments(each)}
            for each in range(self.trials)
        ]
        portal.run(self._status(SUGGESTIONS, self.name, {"suggestions": suggested}))
        portal.run(self._all(self._create(number) for number in numbers))

    def trial_name(self, number: int) -> str:
        return f"{self.name}-{number}"

    def set_state(self, number: int, state: str, why: str = "") -> None:
        """Give a trial a condition."""
        portal.run(self._set_state(number, state, why))

    def report(self, number: int, losses: Sequence[float], **others: Sequence[float]) -> None:
        """Let a trial's history hold these values, at the steps 1, 2 and so on."""
        portal.run(self._report(number, {"loss": losses, **others}))

    def report_all(self, curves: Iterable[Sequence[float]]) -> None:
        """Let the histories of the first trials hold these losses."""
        portal.run(self._all(self._report(number, {"loss": curve}) for number, curve in enumerate(curves)))

    def end(self, *, failed: bool = False, message: str = "") -> None:
        """End the sweep."""
        state = condition("Failed" if failed else "Succeeded", "ExperimentEnded", message=message)
        portal.run(self._status(EXPERIMENTS, self.name, {"conditions": [condition("Created"), state]}))

    def run(self) -> None:
        """Let the sweep run."""
        conditions = [condition("Created"), condition("Running")]
        portal.run(self._status(EXPERIMENTS, self.name, {"conditions": conditions}))

    async def _all(self, work: Iterable[Any]) -> None:
        await asyncio.gather(*work)

    async def _create(self, number: int) -> None:
        body = trial(self.trial_name(number), of=self.made)
        body["metadata"] = {key: body["metadata"][key] for key in ("name", "namespace", "labels")}
        await self.client.create(TRIALS, body)
        await self._set_state(number, "Running")

    async def _set_state(self, number: int, state: str, why: str = "") -> None:
        status = {"conditions": [condition("Created"), condition(state, message=why)]}
        await self._status(TRIALS, self.trial_name(number), status)

    async def _report(self, number: int, values: dict[str, Sequence[float]]) -> None:
        reports = {
            metric: [Report(step, value, 1e9 + step) for step, value in enumerate(listed, 1)]
            for metric, listed in values.items()
        }
        meta = {
            "name": self.trial_name(number),
            "namespace": "default",
            "uid": str(number),
            "labels": {"katib.kubeflow.org/experiment": self.name},
        }
        body = history_object({"metadata": meta}, dump(reports))
        del body["metadata"]["ownerReferences"]
        try:
            await self.client.patch(CONFIG_MAPS, body["metadata"]["name"], {"data": body["data"]}, "default")
        except NotFoundError:
            await self.client.create(CONFIG_MAPS, body)

    async def _status(self, resource: Resource, name: str, status: Object) -> None:
        await self.client.patch(resource, name, {"status": status}, "default", subresource="status")

    def _assignments(self, number: int) -> list[Object]:
        kind = "<b>bold</b>" if number % 2 else "plain"
        lr = 10 ** -(number % 7 / 3)
        return [{"name": "lr", "value": repr(lr)}, {"name": "kind", "value": kind}]
