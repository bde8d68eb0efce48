"""The trials' histories as they are stored, parsed once for each version."""

from __future__ import annotations

from kubelab.client import TRIALS, Object
from kubelab.engine.controllers.owners import owner_reference
from kubelab.engine.controllers.views import View
from kubelab.sweeps.names import EXPERIMENT_LABEL, TRIAL_LABEL, experiment_of
from kubelab.sweeps.observations import KEY, history_name, load
from kubelab.sweeps.trials import Reports

_MOST = 1024


class Histories:
    """Reads what trials have reported from their ConfigMaps.

    Parameters
    ----------
    view : View
        The ConfigMaps.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._parsed: dict[tuple[str, str], tuple[str, Reports]] = {}

    def of(self, namespace: str, trial_name: str) -> Reports:
        """Return what a trial has reported so far."""
        config_map = self.view.get(namespace, history_name(trial_name))
        if config_map is None:
            return {}
        key, version = (namespace, trial_name), config_map["metadata"]["resourceVersion"]
        known = self._parsed.get(key)
        if known is not None and known[0] == version:
            return known[1]
        if len(self._parsed) >= _MOST:
            self._parsed.pop(next(iter(self._parsed)))
        reports = load(config_map)
        self._parsed[key] = (version, reports)
        return reports


def history_object(trial: Object, text: str) -> Object:
    """Return the ConfigMap that holds what a trial reported, as `dump` wrote it."""
    meta = trial["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": history_name(meta["name"]),
            "namespace": meta["namespace"],
            "labels": {EXPERIMENT_LABEL: experiment_of(trial), TRIAL_LABEL: meta["name"]},
            "ownerReferences": [owner_reference(trial, TRIALS)],
        },
        "data": {KEY: text},
    }
