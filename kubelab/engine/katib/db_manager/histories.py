"""The trials' histories, found by the name of a trial alone: Katib's calls name no namespace."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from kubelab.client import CONFIG_MAPS, TRIALS, Client, Object
from kubelab.engine.katib.collectors import kind_of
from kubelab.engine.katib.db_manager.log import Entry, LogError, appended
from kubelab.errors import ConflictError
from kubelab.sweeps.names import TRIAL_LABEL
from kubelab.sweeps.observations import KEY, dump, load
from kubelab.tuning import Report

_PATIENCE = 20
_WAIT_S = 0.25
"""A pod may report before the Trial's controller has begun its history."""


class UnknownTrialError(LogError):
    """No trial of that name has a history."""


class TrialHistories:
    """Reads and writes what trials have reported.

    Parameters
    ----------
    client : Client
        The API, as the db manager's service account.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pushing: set[str] = set()

    async def reports(self, trial: str) -> dict[str, tuple[Report, ...]]:
        """Return what a trial has reported; nothing where it is not known, as Katib answers."""
        found = await self._find(trial)
        return load(found) if found else {}

    async def append(self, trial: str, entries: Sequence[Entry]) -> None:
        """Add the reports of one call to a trial's history.

        Raises
        ------
        LogError
            If they cannot be kept; nothing was written.
        """
        async with self._locks[trial]:
            while True:
                history = await self._awaited(trial)
                await self._check_collector(history, trial)
                if await self._write(history, appended(load(history), entries)):
                    return

    async def delete(self, trial: str) -> None:
        """Forget what a trial has reported; nothing happens where it is not known."""
        async with self._locks[trial]:
            while (found := await self._find(trial)) is not None:
                if await self._write(found, {}):
                    return

    async def _find(self, trial: str) -> Object | None:
        selector = f"{TRIAL_LABEL}={trial}"
        found = (await self.client.list(CONFIG_MAPS, label_selector=selector)).items
        found = [each for each in found if KEY in (each.get("data") or {})]
        if len(found) > 1:
            where = ", ".join(sorted(each["metadata"]["namespace"] for each in found))
            raise LogError(f"there is a trial {trial!r} in each of the namespaces {where}: name them apart")
        return found[0] if found else None

    async def _awaited(self, trial: str) -> Object:
        for _ in range(_PATIENCE):
            if (found := await self._find(trial)) is not None:
                return found
            await asyncio.sleep(_WAIT_S)
        raise UnknownTrialError(
            f"no trial {trial!r} is known: report under the name in the variable KATIB_TRIAL_NAME"
        )

    async def _check_collector(self, history: Object, trial: str) -> None:
        """Refuse reports that the trial's own collector would overwrite."""
        meta = history["metadata"]
        if meta["uid"] in self._pushing:
            return
        kind = kind_of((await self.client.get(TRIALS, trial, meta["namespace"])).get("spec") or {})
        if kind not in ("Push", "None"):
            raise LogError(
                f"the metrics of trial {trial!r} are read by the collector {kind}, not pushed: print them, "
                'or make the Experiment with metrics_collector_config={"kind": "Push"}'
            )
        self._pushing.add(meta["uid"])

    async def _write(self, history: Object, reports: Mapping[str, Sequence[Report]]) -> bool:
        """Replace a history; say whether nobody else had."""
        changed = {**history, "data": {**(history.get("data") or {}), KEY: dump(reports)}}
        try:
            await self.client.update(CONFIG_MAPS, changed)
        except ConflictError:
            return False
        return True
