"""The Trial controller: acts on what `decide` says, follows the trial's metrics, and records them."""

from __future__ import annotations

import contextlib
from typing import Any

from kubelab.client import CONFIG_MAPS, EXPERIMENTS, PODS, SUGGESTIONS, TRIALS, Object, Resource
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.katib.histories import Histories, history_object
from kubelab.engine.controllers.katib.objects import run_object
from kubelab.engine.controllers.owners import is_controlled_by, owner_reference
from kubelab.engine.controllers.trial.cause import cause_of
from kubelab.engine.controllers.trial.collector import Collection
from kubelab.engine.controllers.trial.decision import Evidence, TrialDecision, decide
from kubelab.engine.katib.collectors import Source, source_of
from kubelab.engine.katib.problems import Problems
from kubelab.errors import AlreadyExistsError, ApiError, NotFoundError
from kubelab.informer import Key, key_of
from kubelab.sweeps.names import (
    NEVER_ACCEPTED,
    RUNS,
    STOPPED_ANNOTATION,
    experiment_index,
    experiment_of,
    is_annotated,
    trial_of,
)
from kubelab.sweeps.observations import KEY, NOTHING, dump, history_name
from kubelab.sweeps.trials import Reports, has_ended, records_of
from kubelab.tuning import Problem, Stop, TuningError, verdict
from kubelab.tuning.stopping import brings_rule, read_by_rules

_BY_EXPERIMENT = "experiment"
_BY_TRIAL = "trial"
_HISTORY_PERIOD_S = 1.0
"""A history is written at most this often while its trial runs."""


class TrialController(Controller):
    """Runs Trials (kubeflow.org/v1beta1)."""

    name = "trial-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.collections: dict[Key, Collection] = {}
        self._written: dict[Key, tuple[int, float]] = {}
        self._refusals: dict[Key, str] = {}
        self._pushed: set[Key] = set()
        self.trials = self.follow(TRIALS)
        self.trials.index(_BY_EXPERIMENT, experiment_index)
        self.suggestions = self.views.of(SUGGESTIONS)
        self.experiments = self.views.of(EXPERIMENTS)
        self.experiments.subscribe(self._experiment_changed)
        self.runs = {key: self.views.of(resource) for key, resource in RUNS.items()}
        for view in self.runs.values():
            view.subscribe(self._part_changed)
        self.pods = self.views.of(PODS)
        self.pods.index(_BY_TRIAL, trial_index)
        self.pods.subscribe(self._pod_changed)
        self.config_maps = self.views.of(CONFIG_MAPS)
        self.config_maps.subscribe(self._part_changed)
        self.histories = Histories(self.config_maps)
        self.problems = Problems()

    async def run(self) -> None:
        """Run trials until cancelled."""
        try:
            await super().run()
        finally:
            for collection in self.collections.values():
                collection.stop()

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create, follow, judge and end what runs one Trial."""
        trial = self.trials.get(namespace, name)
        experiment = self._experiment(trial) if trial else None
        if trial is None or experiment is None:
            self._let_go((namespace, name))
            return None
        try:
            problem = self.problems.of(experiment)
        except TuningError:
            return None  # the Experiment has failed for it
        resource = self._resource(trial)
        run = self.views.of(resource).get(namespace, name) if resource else None
        evidence = self._evidence(trial, experiment, run, problem)
        decision = decide(trial, run, problem, evidence, self.clock.now())
        if resource is None:
            return None
        return await self._act(trial, resource, run, decision)

    # What is known

    def _experiment(self, trial: Object) -> Object | None:
        return self.experiments.get(trial["metadata"]["namespace"], experiment_of(trial))

    def _resource(self, trial: Object) -> Resource | None:
        run = trial["spec"].get("runSpec") or {}
        return RUNS.get((run.get("apiVersion", ""), run.get("kind", "")))

    def _evidence(self, trial: Object, experiment: Object, run: Object | None, problem: Problem) -> Evidence:
        key = key_of(trial)
        if has_ended(trial):
            self._let_go(key)
            return Evidence()
        killed = "the experiment was asked to stop" if is_annotated(experiment, STOPPED_ANNOTATION) else ""
        refusal = self._refusals.get(key, "")
        cause = cause_of(self.pods.by_index(_BY_TRIAL, "/".join(key)))
        source = source_of(trial["spec"])
        if source is None:
            pushed = self.histories.of(*key)
            return Evidence(
                reports={metric: pushed.get(metric, ()) for metric in problem.metrics},
                complete=key in self._pushed,
                unavailable=_unavailable(problem.objective, pushed),
                stop=self._stop(trial, problem),
                killed=killed,
                refusal=refusal,
                cause=cause,
            )
        collection = self._collection(trial, run, source, problem)
        if collection is None:
            return Evidence(killed=killed, refusal=refusal, cause=cause)
        return Evidence(
            reports=self._reports(key),
            complete=collection.complete,
            unavailable=collection.reported.unavailable(),
            stop=self._stop(trial, problem),
            killed=killed,
            refusal=refusal,
            cause=cause,
        )

    def _collection(
        self, trial: Object, run: Object | None, source: Source, problem: Problem
    ) -> Collection | None:
        key = key_of(trial)
        if key not in self.collections and run is not None:
            self.collections[key] = Collection(
                self.client,
                trial,
                source,
                problem.metrics,
                pods=lambda: self.pods.by_index(_BY_TRIAL, "/".join(key)),
                changed=lambda: self.queue.add(key),
            )
        return self.collections.get(key)

    def _let_go(self, key: Key) -> None:
        collection = self.collections.pop(key, None)
        self._written.pop(key, None)
        self._refusals.pop(key, None)
        self._pushed.discard(key)
        if collection is not None:
            collection.stop()

    def _stop(self, trial: Object, problem: Problem) -> Stop | None:
        """Return why a trial should be stopped, among all that is known of the others."""
        if problem.early_stopping is None and not brings_rule(problem):
            return None
        namespace, name = key_of(trial)
        siblings = self.trials.by_index(_BY_EXPERIMENT, f"{namespace}/{experiment_of(trial)}")
        trials = {each["metadata"]["name"]: each for each in siblings}
        reports = {each: self._reports((namespace, each)) for each in trials}
        suggestion = self.suggestions.get(namespace, experiment_of(trial))
        records = records_of(suggestion, trials, reports)
        own = next((record for record in records if record.name == name), None)
        if own is None:
            return None
        return verdict(problem, own, [record for record in records if record is not own])

    def _reports(self, key: Key) -> Reports:
        collection = self.collections.get(key)
        if collection is None or self._knows_less(key, collection):
            return self.histories.of(*key)
        return {metric: tuple(listed) for metric, listed in collection.reported.reports.items()}

    def _knows_less(self, key: Key, collection: Collection) -> bool:
        """Say whether more was kept than was read since a restart: its pods may be gone."""
        return key not in self._written and _count(collection.reported.reports) < _count(
            self.histories.of(*key)
        )

    # What is done

    async def _act(
        self, trial: Object, resource: Resource, run: Object | None, decision: TrialDecision
    ) -> float | None:
        if decision.read_on:
            await self._read_on(trial)
        again_after_s = await self._keep_history(trial, decision)
        if decision.status != (trial.get("status") or {}):
            await self.update_status(TRIALS, trial, decision.status)
        if run is None:
            if decision.run == "create" and not await self._create_run(trial, resource):
                return None
        elif decision.run == "adopt":
            meta = {"ownerReferences": [owner_reference(trial, TRIALS)], "uid": run["metadata"]["uid"]}
            await self.patch(resource, run, {"metadata": meta})
        elif decision.run == "delete":
            await self.delete(resource, run)
        elif decision.run == "suspend":
            await self.patch(resource, run, {"spec": suspension(resource)})
        for note in decision.notes:
            self.note(trial, note)
        return again_after_s

    async def _read_on(self, trial: Object) -> None:
        """Read what is left of a trial whose run has succeeded."""
        key = key_of(trial)
        collection = self.collections.get(key)
        if collection is not None:
            collection.finish()
        elif source_of(trial["spec"]) is None:
            with contextlib.suppress(NotFoundError):
                name = history_name(key[1])
                self.config_maps.wrote(await self.client.get(CONFIG_MAPS, name, key[0]))
            self._pushed.add(key)
            self.queue.add(key)

    async def _create_run(self, trial: Object, resource: Resource) -> bool:
        """Create what runs a trial; say whether it is there. What is not valid will never be."""
        try:
            await self.create(resource, run_object(trial, owner_reference(trial, TRIALS)))
        except AlreadyExistsError:
            meta = trial["metadata"]
            self.views.of(resource).wrote(await self.client.get(resource, meta["name"], meta["namespace"]))
            self.queue.add(key_of(trial))
            return False
        except ApiError as error:
            if error.code not in NEVER_ACCEPTED:
                self.note(trial, Note("Warning", "ReconcileError", f"Failed to reconcile: {error}"))
                raise
            self._refusals[key_of(trial)] = error.message
            self.queue.add(key_of(trial))
            return False
        return True

    async def _keep_history(self, trial: Object, decision: TrialDecision) -> float | None:
        """Write what was reported, if that is due; return in how many seconds it will be."""
        key = key_of(trial)
        collection = self.collections.get(key)
        if collection is None:
            await self._begin_history(trial)
            return None
        reported, ends = collection.reported, bool(decision.status.get("completionTime"))
        version, now_s = reported.version, self.clock.now().timestamp()
        written_version, at_s = self._written.get(key, (-1, now_s - _HISTORY_PERIOD_S))
        if version == written_version:
            return None
        if self._knows_less(key, collection):
            return None if ends else _HISTORY_PERIOD_S
        left_s = at_s + _HISTORY_PERIOD_S - now_s
        if 0 < left_s <= _HISTORY_PERIOD_S and not ends:
            return left_s
        text = self._dump(trial, reported.reports)
        if not await self._begin_history(trial, text):
            patch = {"data": {KEY: text}}
            self.config_maps.wrote(await self.client.patch(CONFIG_MAPS, history_name(key[1]), patch, key[0]))
        self._written[key] = (version, now_s)
        return None

    def _dump(self, trial: Object, reports: Reports) -> str:
        """Return a history's text, with all reports that verdicts depend on, however many there are."""
        experiment = self._experiment(trial)
        if experiment is None:
            return dump(reports)
        problem = self.problems.of(experiment)
        return dump(reports, read_by_rules(problem, reports.get(problem.objective, ())))

    async def _begin_history(self, trial: Object, text: str = NOTHING) -> bool:
        """Create a trial's history where there is none; say whether that was so."""
        namespace, name = key_of(trial)
        existing = self.config_maps.get(namespace, history_name(name))
        if has_ended(trial) or (existing is not None and is_controlled_by(existing, trial)):
            return False
        if existing is not None:  # an earlier trial's of this name
            await self.delete(CONFIG_MAPS, existing)
        try:
            await self.create(CONFIG_MAPS, history_object(trial, text))
        except AlreadyExistsError:
            return False
        return True

    # What changes

    def _experiment_changed(self, old: Object | None, new: Object | None) -> None:
        namespace, name = key_of(either(old, new))
        for trial in self.trials.by_index(_BY_EXPERIMENT, f"{namespace}/{name}"):
            self.queue.add(key_of(trial))

    def _part_changed(self, old: Object | None, new: Object | None) -> None:
        part = either(old, new)
        if trial_of(part):
            self.queue.add((part["metadata"]["namespace"], trial_of(part)))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = either(old, new)
        collection = self.collections.get((pod["metadata"]["namespace"], trial_of(pod)))
        if collection is not None:
            collection.wake()


def trial_index(obj: Object) -> tuple[str, ...]:
    """Return ``namespace/trial`` as the values of an index."""
    name = trial_of(obj)
    return (f"{obj['metadata']['namespace']}/{name}",) if name else ()


def _count(reports: Reports) -> int:
    return sum(len(listed) for listed in reports.values())


def _unavailable(objective: str, pushed: Reports) -> str:
    """Return why an objective has no value where others write the history."""
    names = ", ".join(pushed)
    told = f"These were: {names}." if names else "Nobody wrote into the trial's history."
    return f"{objective} was never reported. {told}"


def suspension(resource: Resource) -> dict[str, Any]:
    """Return the part of a run's spec that suspends it."""
    return {"runPolicy": {"suspend": True}} if resource.kind == "JAXJob" else {"suspend": True}
