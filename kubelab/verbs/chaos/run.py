"""`Run`: one experiment from its steady state to its verdict."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from kubelab import clock
from kubelab.chaos.errors import ChaosError
from kubelab.chaos.experiment import OVER, Experiment
from kubelab.chaos.hypotheses import Check, Hypothesis
from kubelab.chaos.samples import Sample, Stage
from kubelab.chaos.verdict import Outcome, Verdict, outcome_of
from kubelab.client import CHAOS_EXPERIMENTS, CUSTOM_RESOURCE_DEFINITIONS, Client, Object
from kubelab.errors import AlreadyExistsError, ApiError, ConnectionFailedError, NotFoundError
from kubelab.training.events import event_rows, events_of
from kubelab.training.reading import JobReader
from kubelab.verbs.chaos.observation import Observation

_LOOK_S = 0.2
_STEADY_S = 30.0
_SERVED_S = 10.0
_TAKEN_UP_S = 10.0
_UNDONE_S = 30.0


class Run:
    """Carries out one experiment by its object, which the lab's daemon follows.

    Parameters
    ----------
    client : Client
        The cluster's API.
    experiment : Experiment
        What to do.
    hypothesis : Hypothesis
        What is expected.
    reader : JobReader
        Reads the job that it is expected of.
    recover_s : float
        How long to wait, once the fault is undone, for what is expected.
    on_sample : callable, optional
        Called with the stage and all samples after each look.
    """

    def __init__(
        self,
        client: Client,
        experiment: Experiment,
        hypothesis: Hypothesis,
        reader: JobReader,
        *,
        recover_s: float,
        on_sample: Callable[[Stage, list[Sample]], None] | None = None,
    ) -> None:
        self._client = client
        self._experiment = experiment
        self._hypothesis = hypothesis
        self._reader = reader
        self._observation = Observation(reader, hypothesis)
        self._recover_s = recover_s
        self._on_sample = on_sample
        self._object: Object = {}
        self._began_s = 0.0

    async def verdict(self) -> Verdict:
        """Wait for the steady state, break it, look on, and judge. A cancelled run undoes the fault first."""
        before = await self._watch("before", _STEADY_S)
        if not before.holds:
            return self._judged("not steady", (before,))
        try:
            await self._inject()
            await self._look_on()
        except BaseException:
            await self._stop()
            raise
        status = self._object["status"]
        if status["phase"] == "Refused":
            return self._judged("refused", (before,))
        during = self._hypothesis.check("during", self._observation.samples)
        after = await self._watch("after", self._recover_s)
        checks = (before, during, after)
        verdict = self._judged(outcome_of(checks, status.get("affected")), checks)
        await self._write(verdict)
        return replace(verdict, events=await self._events())

    async def _inject(self) -> None:
        await _serve(self._client)
        self._object = await self._client.create(CHAOS_EXPERIMENTS, self._experiment.to_object())
        meta = self._object["metadata"]
        self._experiment = replace(self._experiment, name=meta["name"], uid=meta["uid"])
        self._began_s = clock.monotonic()

    async def _look_on(self) -> None:
        """Look at the job until the fault is undone or refused."""
        while (phase := self._phase) not in OVER:
            if not phase and clock.monotonic() > self._began_s + _TAKEN_UP_S:
                raise ChaosError(
                    f"nobody takes up experiment {self._experiment.name}: the lab's daemon injects faults. "
                    "`kubelab status` shows whether it runs; an older one has to be started anew."
                )
            if phase == "Active":
                await self._look("during")
            await asyncio.sleep(_LOOK_S)
            with contextlib.suppress(ConnectionFailedError):
                await self._refresh()

    async def _watch(self, stage: Stage, patience_s: float) -> Check:
        """Look at the job until what is expected holds, or patience is over."""
        deadline = clock.monotonic() + patience_s
        while True:
            await self._look(stage)
            check = self._hypothesis.check(stage, self._observation.samples)
            if check.holds or clock.monotonic() > deadline:
                return check
            await asyncio.sleep(_LOOK_S)

    async def _look(self, stage: Stage) -> None:
        await self._observation.look(stage)
        if self._on_sample is not None:
            self._on_sample(stage, self._observation.samples)

    async def _refresh(self) -> None:
        meta = self._object["metadata"]
        self._object = await self._client.get(CHAOS_EXPERIMENTS, meta["name"], meta["namespace"])

    @property
    def _phase(self) -> str:
        return str((self._object.get("status") or {}).get("phase", ""))

    async def _stop(self) -> None:
        """Ask for the fault to be undone now, and wait for it."""
        if not self._object:
            return
        meta = self._object["metadata"]
        await self._client.patch(CHAOS_EXPERIMENTS, meta["name"], {"spec": {"stop": True}}, meta["namespace"])
        deadline = clock.monotonic() + _UNDONE_S
        while self._phase not in OVER and clock.monotonic() < deadline:
            await asyncio.sleep(_LOOK_S / 4)
            await self._refresh()

    async def _write(self, verdict: Verdict) -> None:
        """Leave the verdict where ``kubectl get chaos`` shows it."""
        status = {"verdict": verdict.outcome.capitalize(), "evidence": list(verdict.evidence)}
        meta = self._object["metadata"]
        await self._client.patch(
            CHAOS_EXPERIMENTS, meta["name"], {"status": status}, meta["namespace"], subresource="status"
        )

    async def _events(self) -> tuple[dict[str, object], ...]:
        try:
            return tuple(event_rows(events_of(self._reader.name, await self._reader.events())))
        except ApiError:
            return ()

    def _judged(self, outcome: Outcome, checks: tuple[Check, ...]) -> Verdict:
        status = self._object.get("status") or {}
        samples = self._observation.samples
        zero_s = self._began_s or (samples[-1].at_s if samples else 0.0)
        return Verdict(
            self._experiment,
            outcome,
            checks,
            did=status.get("did", ""),
            undid=status.get("undid", ""),
            reason=status.get("message", ""),
            samples=tuple(replace(sample, at_s=round(sample.at_s - zero_s, 3)) for sample in samples),
        )


async def _serve(client: Client) -> None:
    """Let the cluster serve ChaosExperiments, which it does from the first one on."""
    from kubelab.engine.crds.chaos import chaos_experiment_definition

    with contextlib.suppress(AlreadyExistsError):
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, chaos_experiment_definition())
    deadline = clock.monotonic() + _SERVED_S
    while True:
        try:
            await client.list(CHAOS_EXPERIMENTS, limit=1)
        except NotFoundError:
            if clock.monotonic() > deadline:
                raise
            await asyncio.sleep(_LOOK_S / 4)
        else:
            return
