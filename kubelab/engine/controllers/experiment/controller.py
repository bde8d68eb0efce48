"""The Experiment controller: acts on what `decide` says, and records it."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace

from kubelab.client import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EXPERIMENTS,
    PERSISTENT_VOLUME_CLAIMS,
    SUGGESTIONS,
    TRIALS,
    Object,
)
from kubelab.engine.apiserver.defaults.katib import default_experiment
from kubelab.engine.apiserver.validation.experiments import validate_experiment, validate_run
from kubelab.engine.controllers.batches import together
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.dbmanager.controller import is_installed
from kubelab.engine.controllers.dbmanager.objects import NAME, NAMESPACE, is_available
from kubelab.engine.controllers.dbmanager.patience import Patience
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.experiment.decision import ExperimentDecision, decide, is_completed
from kubelab.engine.controllers.katib.objects import run_object, suggestion_object, trial_object
from kubelab.engine.controllers.owners import controller_uids, is_controlled_by, owner_reference
from kubelab.engine.controllers.suggestion.decision import restarted, retired
from kubelab.engine.katib.checkpoints import claim, directory_of
from kubelab.engine.katib.collectors import collector_of
from kubelab.engine.katib.problems import Problems
from kubelab.engine.katib.template import TemplateError, parsed, source_of
from kubelab.errors import AlreadyExistsError, ApiError
from kubelab.sweeps.names import NEVER_ACCEPTED, RUNS, experiment_index, trial_of

_BY_EXPERIMENT = "experiment"
_BY_CONTROLLER = "controller uid"
_DB_MANAGER_PERIOD_S = 0.1


class ExperimentController(Controller):
    """Runs Experiments (kubeflow.org/v1beta1).

    What runs a trial is created before the Trial of its name: the Kubeflow SDK asks for the TrainJob of each
    Trial that it sees. Until the Trial is there and takes it over, the run is the Experiment's own.
    """

    name = "experiment-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.experiments = self.follow(EXPERIMENTS)
        self.suggestions = self.follow_owned(SUGGESTIONS, EXPERIMENTS)
        self.trials = self.follow_owned(TRIALS, EXPERIMENTS)
        self.trials.index(_BY_EXPERIMENT, experiment_index)
        self.config_maps = self.views.of(CONFIG_MAPS)
        self.deployments = self.views.of(DEPLOYMENTS)
        self.has_db_manager = bool(around.api_url)
        self.patience = Patience()
        self.problems = Problems()
        self._refusals: dict[str, tuple[int | None, str]] = {}
        self.runs = {key: self.views.of(resource) for key, resource in RUNS.items()}
        for view in self.runs.values():
            view.index(_BY_CONTROLLER, controller_uids)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Count the trials of one Experiment, judge it, and create and delete trials."""
        written = self.experiments.get(namespace, name)
        if written is None:
            return None
        experiment = copy.deepcopy(written)
        default_experiment(experiment)
        trials = [
            trial
            for trial in self.trials.by_index(_BY_EXPERIMENT, f"{namespace}/{name}")
            if is_controlled_by(trial, experiment)
        ]
        suggestion = self.suggestions.get(namespace, name)
        if suggestion is not None and not is_controlled_by(suggestion, experiment):
            suggestion = None
        refusal = self._refusal(experiment, trials)
        problem = None if refusal else self.problems.of(experiment)
        decision = decide(experiment, trials, suggestion, problem, self.clock.now(), refusal=refusal)
        waits = bool(decision.create) and self._awaits_db_manager(experiment)
        if waits:
            decision = replace(decision, create=())
        await self._act(written, experiment, trials, suggestion, decision)
        return _DB_MANAGER_PERIOD_S if waits else None

    def _awaits_db_manager(self, experiment: Object) -> bool:
        """Say whether trials should wait for what they push to: a push that finds nobody fails at once."""
        if not self.has_db_manager or collector_of(experiment) != "Push" or not is_installed():
            return False
        available = is_available(self.deployments.get(NAMESPACE, NAME))
        return self.patience.lasts(experiment["metadata"]["uid"], self.clock.now(), available=available)

    def _refusal(self, experiment: Object, trials: list[Object]) -> str:
        """Return why an Experiment cannot be run; empty if it can. The embedded server refuses it before."""
        meta = experiment["metadata"]
        known = self._refusals.get(meta["uid"])
        if known is None or known[0] != meta.get("generation"):
            causes = [f"{cause.field}: {cause.message}" for cause in validate_experiment(experiment)]
            known = self._refusals[meta["uid"]] = (meta.get("generation"), "; ".join(causes))
        if known[1] or trials or not experiment["spec"]["trialTemplate"].get("configMap"):
            return known[1]
        try:
            run = parsed(source_of(experiment["spec"]["trialTemplate"], self._template_map(experiment)))
        except TemplateError as error:
            return str(error)
        return "; ".join(cause.message for cause in validate_run(experiment, run))

    async def _act(
        self,
        written: Object,
        experiment: Object,
        trials: list[Object],
        suggestion: Object | None,
        decision: ExperimentDecision,
    ) -> None:
        if decision.status != (written.get("status") or {}):
            await self.update_status(EXPERIMENTS, written, decision.status)
            for note in decision.notes:
                self.note(written, note)
        await together(self.delete(TRIALS, trial) for trial in decision.delete)
        if is_completed(decision.status):
            self.patience.forget(experiment["metadata"]["uid"])
            await self._discard_runs(experiment, trials)
        if decision.requests is not None:
            await self._ask(experiment, suggestion, decision.requests)
        if decision.suggestion and suggestion is not None:
            await self._change_suggestion(experiment, suggestion, decision)
        if decision.create:
            await self._share_checkpoints(experiment)
            source = source_of(experiment["spec"]["trialTemplate"], self._template_map(experiment))
            await together(self._create_trial(experiment, each, source) for each in decision.create)

    # The Suggestion

    async def _ask(self, experiment: Object, suggestion: Object | None, requests: int) -> None:
        if suggestion is None:
            await self.create(SUGGESTIONS, suggestion_object(experiment, requests))
        elif suggestion["spec"].get("requests") != requests:
            await self.patch(SUGGESTIONS, suggestion, {"spec": {"requests": requests}})

    async def _change_suggestion(
        self, experiment: Object, suggestion: Object, decision: ExperimentDecision
    ) -> None:
        change = retired if decision.suggestion == "retire" else restarted
        status = change(suggestion, str(experiment["spec"].get("resumePolicy")), self.clock.now())
        if status != (suggestion.get("status") or {}):
            await self.update_status(SUGGESTIONS, suggestion, status)

    # Trials

    def _template_map(self, experiment: Object) -> Object | None:
        place = experiment["spec"]["trialTemplate"].get("configMap") or {}
        return self.config_maps.get(
            str(place.get("configMapNamespace", "")), str(place.get("configMapName", ""))
        )

    async def _share_checkpoints(self, experiment: Object) -> None:
        """Create the claim on which trials leave checkpoints for their children, where the search has one."""
        if directory_of(experiment):
            with contextlib.suppress(AlreadyExistsError):
                await self.create(PERSISTENT_VOLUME_CLAIMS, claim(experiment))

    async def _create_trial(self, experiment: Object, suggested: Object, source: Object | str) -> None:
        """Create what runs a trial, and then the Trial."""
        trial = trial_object(experiment, suggested, source)
        run = run_object(trial, owner_reference(experiment, EXPERIMENTS))
        resource = RUNS[(run["apiVersion"], run["kind"])]
        try:
            await self.create(resource, run)
        except AlreadyExistsError:
            pass  # made before a restart; the Trial's own controller sees whether it is a stranger's
        except ApiError as error:
            if error.code not in NEVER_ACCEPTED:
                self.note(experiment, Note("Warning", "ReconcileError", f"Failed to reconcile: {error}"))
                raise
            # It will never be accepted: the Trial's own controller says so in its status.
        try:
            await self.create(TRIALS, trial)
        except AlreadyExistsError:
            return

    async def _discard_runs(self, experiment: Object, trials: list[Object]) -> None:
        """Delete runs whose Trial was never created, since the Experiment ended before."""
        names = {trial["metadata"]["name"] for trial in trials}
        for key, view in self.runs.items():
            for run in view.by_index(_BY_CONTROLLER, experiment["metadata"]["uid"]):
                if trial_of(run) and trial_of(run) not in names:
                    await self.delete(RUNS[key], run)
