"""`LimitVerbs`: how fast a cluster is, against what Kubernetes promises."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from kubelab import portal
from kubelab.clock import RealClock
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    from kubelab.limits.limits import Limits

logger = logging.getLogger(__name__)
_SIMULATED_NODES = 20


class LimitVerbs(Handle):
    """The verbs about limits."""

    name: str

    def limits(
        self,
        *,
        nodes: int | None = None,
        pods: int = 100,
        pods_per_s: float = 20.0,
        calls: int = 100,
        watchers: int = 20,
        changes: int = 50,
        timeout_s: float = 60.0,
        on_progress: Callable[[str], None] | None = None,
    ) -> Limits:
        """Measure the cluster against Kubernetes' published objectives, and return what came out.

        Pods are started at a steady pace and then once more all at once, requests of each verb and scope are
        timed, and many watches follow one object. All of it happens in a namespace of its own that is removed
        afterwards, also after Ctrl-C; one that a killed run left is removed first.

        Latencies are those that this client sees, with its network and its parsing in them, so they are no
        less than what the API server would say of itself.

        Parameters
        ----------
        nodes : int, optional
            Simulated nodes to add for the time: 20 unless given on an engine of kubelab's, 0 elsewhere, where
            they need KWOK. With 0 the pods run on the cluster's own nodes: as processes of this machine on a
            lab's, 55 at most (``pods``).
        pods : int
            How many pods are started, two times.
        pods_per_s : float
            The steady pace; the objectives hold up to 20 changes a second.
        calls : int
            How many requests of each kind are timed; 100 or more make the 99th percentile one of them.
        watchers, changes : int
            How many watches follow an object, 500 at most, and how often it changes.
        timeout_s : float
            How long pods are waited for, in seconds.
        on_progress : callable, optional
            Told in a few words what is done next.

        Raises
        ------
        LimitsOptionError
            If a number makes no sense, or more pods are asked for than the nodes hold.
        LimitsBusyError
            If another run measures this cluster.
        LimitsRefusedError
            If the user may not make what is needed.
        VirtualTimeError
            On a simulated cluster, whose time stands still.
        """
        from kubelab.limits.errors import VirtualTimeError
        from kubelab.limits.load import Load
        from kubelab.limits.probe import measure

        if self.engine == "simulated":
            raise VirtualTimeError
        if nodes is None:
            nodes = _SIMULATED_NODES if self.engine in {"embedded", "binaries"} else 0
        load = Load(nodes, pods, pods_per_s, calls, watchers, changes, timeout_s)
        say = on_progress or logger.info
        work = measure(self.client, load, RealClock(), cluster=self.name, engine=self.engine, say=say)
        return portal.run(work)
