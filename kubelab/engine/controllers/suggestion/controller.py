"""The Suggestion controller: asks `kubelab.tuning` in a thread, and writes down what it answers."""

from __future__ import annotations

import asyncio
import copy

from kubelab.client import CONFIG_MAPS, EXPERIMENTS, SUGGESTIONS, TRIALS, Object
from kubelab.engine.apiserver.defaults.katib import default_experiment
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.katib import conditions
from kubelab.engine.controllers.katib.histories import Histories
from kubelab.engine.controllers.owners import is_controlled_by
from kubelab.engine.controllers.suggestion.decision import answered, failed, running, started
from kubelab.engine.katib.problems import Problems
from kubelab.sweeps.names import experiment_index, experiment_of
from kubelab.sweeps.trials import records_of
from kubelab.tuning import Problem, TuningError, rules_for_new_trial, suggest
from kubelab.tuning.stopping import check_stopping
from kubelab.tuning.suggestion import check_algorithm

_BY_EXPERIMENT = "experiment"


class SuggestionController(Controller):
    """Runs Suggestions (kubeflow.org/v1beta1)."""

    name = "suggestion-controller"
    workers = 4

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.suggestions = self.follow(SUGGESTIONS)
        self.experiments = self.views.of(EXPERIMENTS)
        self.trials = self.views.of(TRIALS)
        self.trials.index(_BY_EXPERIMENT, experiment_index)
        self.trials.subscribe(self._trial_changed)
        self.histories = Histories(self.views.of(CONFIG_MAPS))
        self.problems = Problems()

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one Suggestion to as many suggestions as are requested."""
        suggestion, written = self.suggestions.get(namespace, name), self.experiments.get(namespace, name)
        if suggestion is None or written is None or not is_controlled_by(suggestion, written):
            return None
        listed = (suggestion.get("status") or {}).get("conditions")
        if conditions.is_true(listed, "Succeeded") or conditions.is_true(listed, "Failed"):
            return None
        experiment = copy.deepcopy(written)
        default_experiment(experiment)
        status = await self._status(suggestion, experiment)
        if status != (suggestion.get("status") or {}):
            await self.update_status(SUGGESTIONS, suggestion, status)
        return None

    async def _status(self, suggestion: Object, experiment: Object) -> Object:
        now = self.clock.now()
        status = started(suggestion, now)
        call = "ValidateAlgorithmSettings"
        try:
            problem = self.problems.of(experiment)
            check_algorithm(problem)
            call = "ValidateEarlyStoppingSettings"
            check_stopping(problem)
            status = running(status, now)
            missing = int(suggestion["spec"].get("requests") or 0) - len(status.get("suggestions") or ())
            if missing > 0:
                return await self._asked(suggestion, experiment, problem, status, missing)
        except TuningError as error:
            self.note(suggestion, Note("Warning", "SuggestionFailed", str(error)))
            return failed(status, call, str(error), now)
        return status

    async def _asked(
        self, suggestion: Object, experiment: Object, problem: Problem, status: Object, missing: int
    ) -> Object:
        namespace, name = experiment["metadata"]["namespace"], experiment["metadata"]["name"]
        trials = {
            trial["metadata"]["name"]: trial
            for trial in self.trials.by_index(_BY_EXPERIMENT, f"{namespace}/{name}")
        }
        reports = {each: self.histories.of(namespace, each) for each in trials}
        records = records_of(suggestion, trials, reports)
        answer = await asyncio.to_thread(suggest, problem, records, missing)
        rules = rules_for_new_trial(problem, records)
        return answered(status, experiment, answer, rules, self.clock.now())

    def _trial_changed(self, old: Object | None, new: Object | None) -> None:
        trial = either(old, new)
        if experiment_of(trial):
            self.queue.add((trial["metadata"]["namespace"], experiment_of(trial)))
