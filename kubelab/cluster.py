"""`Cluster`: the handle that a notebook holds on a Kubernetes cluster.

The same verbs work on the lab's own cluster and on any context of a kubeconfig. A handle only
speaks to the API: closing it leaves the cluster and its jobs as they are.
"""

from __future__ import annotations

import atexit
import os
import weakref
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from kubelab import portal
from kubelab.client import EVENTS, NODES, Client
from kubelab.errors import ConnectionFailedError, KubelabError
from kubelab.http import HttpTransport, Kubeconfig
from kubelab.verbs.autoscaling import AutoscalingVerbs
from kubelab.verbs.chaos import ChaosVerbs
from kubelab.verbs.jobs import JobVerbs
from kubelab.verbs.limits import LimitVerbs
from kubelab.verbs.nodes import NodeVerbs, capacity
from kubelab.verbs.savings import SavingsVerbs
from kubelab.verbs.sweeps import SweepVerbs

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.capabilities import Capabilities
    from kubelab.scheduling.snapshot import ScoringStrategy
    from kubelab.simulated_cluster import SimulatedCluster


class Cluster(JobVerbs, SweepVerbs, NodeVerbs, AutoscalingVerbs, SavingsVerbs, LimitVerbs, ChaosVerbs):
    """A Kubernetes cluster to run jobs on.

    Make one with `connect` (the lab's own cluster), `from_context` (any other) or `simulated` (none but in
    this process, on virtual time).

    Attributes
    ----------
    name : str
        The lab cluster's name, or the kubeconfig context's.
    engine : {"embedded", "binaries", "kind", "context", "simulated"}
        What runs underneath.
    kubeconfig : Path or None
        The file that reaches this cluster; None if only this process does.
    namespace : str
        Where jobs go.
    client : Client
        The async API client; its coroutines run on `kubelab.portal`.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        *,
        engine: Literal["embedded", "binaries", "kind", "context", "simulated"],
        namespace: str = "default",
        server: str = "",
        kubeconfig: Path | None = None,
    ) -> None:
        self.name = name
        self.client = client
        self.engine = engine
        self.namespace = namespace
        self.server = server
        self.kubeconfig = kubeconfig
        atexit.register(_close, weakref.ref(self.client))

    @classmethod
    def connect(
        cls,
        name: str | None = None,
        *,
        engine: Literal["embedded", "binaries", "kind"] | None = None,
        warm: bool = True,
    ) -> Cluster:
        """Attach to the lab cluster of that name, starting it if there is none.

        Sets ``KUBECONFIG``, so that ``!kubectl get nodes`` in a cell speaks to the same cluster.

        Parameters
        ----------
        name : str, optional
            Several lab clusters can run at once, each with its own state. Unless named it is the one
            that ``kubelab lab`` serves (``KUBELAB_CLUSTER``), or ``lab``.
        engine : {"embedded", "binaries", "kind"}, optional
            What a new cluster runs on: kubelab's own control plane, which is the default; the real etcd
            and kube-apiserver found in ``KUBEBUILDER_ASSETS`` or on PATH; or containers made by the program
            kind, which takes a minute or more. A cluster keeps its engine.
        warm : bool
            Keep a parent process that has imported JAX, so that jobs start in a fraction of a second.
            It uses less than 300 MB. Only heeded when this call starts the cluster.

        Raises
        ------
        ClusterNameError
            If the name is not a short DNS label.
        EngineMismatchError
            If the cluster has another engine.
        BinariesMissingError
            If the programs of the engine ``binaries`` are not on this machine.
        KindMissingError
            If those of the engine ``kind`` are not.
        KindError
            If kind cannot make the cluster.
        StartFailedError
            If the cluster could not be started.
        """
        from kubelab.engine import launch

        running = launch.ensure(name or os.environ.get("KUBELAB_CLUSTER") or "lab", engine=engine, warm=warm)
        os.environ["KUBECONFIG"] = running.kubeconfig
        return _reach(Path(running.kubeconfig), None, name=running.name, engine=running.engine)

    @classmethod
    def from_context(cls, context: str | None = None, *, kubeconfig: Path | None = None) -> Cluster:
        """Attach to a cluster by the name of its kubeconfig context, the current one unless named.

        Raises
        ------
        KubeconfigError
            If the kubeconfig or the context does not exist.
        """
        return _reach(kubeconfig, context, name=context, engine="context")

    @staticmethod
    def simulated(seed: int = 0, *, scoring_strategy: ScoringStrategy = "LeastAllocated") -> SimulatedCluster:
        """Make a cluster in this process whose time is virtual, without nodes at first.

        The same controllers and scheduler run as on the lab's cluster; a day passes in seconds, and only when
        `SimulatedCluster.run` says so. Close it to let go of it.

        Parameters
        ----------
        seed : int
            Clusters of one seed that are asked the same do the same, to the uids and times.
        scoring_strategy : "LeastAllocated" or "MostAllocated"
            Whether the scheduler spreads pods over nodes, as it does by default, or packs them: the strategy
            of its plugin NodeResourcesFit.
        """
        from kubelab.simulated_cluster import SimulatedCluster

        return SimulatedCluster(seed, scoring_strategy)

    def capabilities(self) -> Capabilities:
        """Return which parts of Kubernetes' surroundings the cluster has, and how to install the others.

        Looks for Kubeflow Trainer, JobSet, Katib, training-operator, Cluster Autoscaler, Vertical Pod
        Autoscaler, metrics.k8s.io and Prometheus. What the user may not see is not known; nothing is made.
        """
        from kubelab import capabilities

        return portal.run(capabilities.read(self.client))

    def events(self) -> pd.DataFrame:
        """Return the namespace's events, oldest first: time (UTC), type, object, reason, message, count."""
        from kubelab.training.events import events_frame

        return events_frame(self._list(EVENTS, self.namespace))

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps runs of jobs and sweeps: ``MLFLOW_TRACKING_URI``, else a file of the cluster's.

        With MLflow itself installed, ``mlflow ui --backend-store-uri <this>`` shows them.

        Raises
        ------
        TrackingError
            On a simulated cluster, which keeps nothing.
        """
        from kubelab.lineage.place import folder_of, tracking_uri

        return tracking_uri(folder_of(self.client))

    def close(self) -> None:
        """Let go of the connection; the cluster and its jobs go on."""
        self._end_recording()
        portal.run(self.client.close())

    def down(self) -> None:
        """End a lab cluster and its pods; its state stays, and `connect` brings it back, except one of kind.

        Raises
        ------
        KubelabError
            On a cluster that kubelab did not start.
        """
        if self.engine not in {"embedded", "binaries", "kind"}:
            raise KubelabError(
                f"{self.name} is not a lab cluster: kubelab did not start it and does not end it."
            )
        from kubelab.engine import launch

        self.close()
        launch.down(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        try:
            has = capacity(self._list(NODES))
        except ConnectionFailedError:
            has = "not reachable"
        return f"<Cluster {self.name}: {self.engine}, {has}>"


def _reach(
    kubeconfig: Path | None,
    context: str | None,
    *,
    name: str | None,
    engine: Literal["embedded", "binaries", "kind", "context"],
) -> Cluster:
    from kubelab.engine.state import StateFolder
    from kubelab.home import home

    config = Kubeconfig.load(kubeconfig, context)
    name = name or config.context
    folder = home() / ".contexts" if engine == "context" else StateFolder.of(name).path
    return Cluster(
        name,
        Client(HttpTransport(config), cluster=name, folder=folder),
        engine=engine,
        namespace=config.namespace,
        server=config.server,
        kubeconfig=kubeconfig or Kubeconfig.default_path(),
    )


def _close(reference: weakref.ref[Client]) -> None:
    client = reference()
    if client is not None:
        portal.run(client.close())
