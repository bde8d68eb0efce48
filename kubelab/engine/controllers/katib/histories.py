"""The trials' histories as they are stored, parsed once for each version."""

from __future__ import annotations

from kubelab.engine.controllers.katib.observations import history_name, load
from kubelab.engine.controllers.katib.trials import Reports
from kubelab.engine.controllers.views import View

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
