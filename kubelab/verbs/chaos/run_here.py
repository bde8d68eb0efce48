"""`RunHere`: one experiment that leaves nothing to undo, on a cluster that no daemon of kubelab's serves."""

from __future__ import annotations

from kubelab import clock
from kubelab.chaos.verdict import Verdict
from kubelab.engine.chaos.pods import KillPod
from kubelab.verbs.chaos.run import Run

INJECTORS = {"kill-pod": KillPod}
"""What this process may do by itself: nothing of it has to be undone."""


class RunHere(Run):
    """Injects from this process; leaves no object, since that would take a kind of ours on any cluster."""

    async def _inject(self) -> None:
        injector = INJECTORS[self._experiment.fault](self._client)
        self._began_s = clock.monotonic()
        did = await injector.inject(self._experiment)
        undone = await injector.undo(self._experiment)
        told = {"did": did, "undid": undone.said, "affected": undone.affected}
        self._object = {"status": {"phase": "Ended", **told}}

    async def _write(self, verdict: Verdict) -> None:
        """Leave the verdict to whoever asked for it."""
