"""An API server that answers late, or refuses."""

from __future__ import annotations

from kubelab.chaos.experiment import Experiment
from kubelab.engine.apiserver.disturbance import Disturbance
from kubelab.engine.chaos.injector import RefusedError, Undone


class DisturbApi:
    """Delays and refuses requests that come over HTTP, from notebooks, kubectl and pods.

    Parameters
    ----------
    disturbance : Disturbance or None
        The API server's; None where that is not kubelab's own.
    """

    def __init__(self, disturbance: Disturbance | None) -> None:
        self._disturbance = disturbance

    async def inject(self, experiment: Experiment) -> str:
        """Begin."""
        if self._disturbance is None:
            raise RefusedError(
                "the API server is upstream's own program, which kubelab does not disturb: faults of "
                "the API are for the engine embedded."
            )
        given = experiment.parameters
        latency_s, errors, share = (
            given.get("latency_s", 0),
            given.get("error_share", 0),
            given.get("share", 1),
        )
        self._disturbance.begin(
            experiment.uid, latency_s=latency_s, error_share=errors, share=share, seed=experiment.seed
        )
        if latency_s:
            return f"{share:.0%} of the requests over HTTP are answered {latency_s * 1000:g} ms later"
        return f"{errors:.0%} of the requests over HTTP are refused with 503"

    async def undo(self, experiment: Experiment) -> Undone:
        """End."""
        hit = self._disturbance.end(experiment.uid) if self._disturbance else None
        counted = "" if hit is None else f"; {hit} were hit, this experiment's own among them"
        return Undone(f"requests pass{counted}", hit)
