"""`Cluster`: the handle that a notebook holds on a Kubernetes cluster.

The same verbs work on the lab's own cluster and on any context of a kubeconfig. A handle only
speaks to the API: closing it leaves the cluster and its jobs as they are.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from kubelab import portal
from kubelab.client import EVENTS, EXPERIMENTS, JAX_JOBS, JOBS, NODES, TRAIN_JOBS, Client, Object, Resource
from kubelab.clock import RealClock
from kubelab.errors import ConnectionFailedError, KubelabError, NotFoundError
from kubelab.http import HttpTransport, Kubeconfig
from kubelab.quantities import Quantity, cpu_millicores, format_memory, whole

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.capabilities import Capabilities
    from kubelab.costs.cost import Cost
    from kubelab.costs.prices import Prices
    from kubelab.node_template import NodeTemplate
    from kubelab.simulated_cluster import SimulatedCluster
    from kubelab.sweeps import Sweep
    from kubelab.training import TrainJob
    from kubelab.tuning.parameters import Parameter

T = TypeVar("T")

_TOGETHER = 50
"""How many objects are created at once."""


class Cluster:
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
    def simulated(seed: int = 0) -> SimulatedCluster:
        """Make a cluster in this process whose time is virtual, without nodes at first.

        The same controllers and scheduler run as on the lab's cluster; a day passes in seconds, and only when
        `SimulatedCluster.run` says so. Close it to let go of it.

        Parameters
        ----------
        seed : int
            Clusters of one seed that are asked the same do the same, to the uids and times.
        """
        from kubelab.simulated_cluster import SimulatedCluster

        return SimulatedCluster(seed)

    def train(
        self,
        fn: Callable[..., object],
        *,
        name: str | None = None,
        num_nodes: int = 2,
        args: Mapping[str, Any] | None = None,
        resources: Mapping[str, Quantity] | None = None,
        checkpoint_every: int | None = 50,
        kind: Literal["TrainJob", "JAXJob", "Job"] = "TrainJob",
        env: Mapping[str, str] | None = None,
        volumes: Mapping[str, Object] | None = None,
        image: str | None = None,
        max_restarts: int = 3,
    ) -> TrainJob:
        """Run a function as a distributed JAX job and return its handle at once.

        Parameters
        ----------
        fn : callable
            An ordinary function. It travels by value, with the helpers and local modules it uses.
        name : str, optional
            Made from the function's name unless given.
        num_nodes : int
            How many processes, each in a pod of its own.
        args : mapping, optional
            Keyword arguments of ``fn``.
        resources : mapping, optional
            What each process requests and is limited to, such as ``{"cpu": 1, "memory": "1Gi"}``.
        checkpoint_every : int or None
            Steps between checkpoints, when ``run.should_save(step)`` says yes; None for a job without a
            volume.
        kind : {"TrainJob", "JAXJob", "Job"}
            Kubeflow Trainer's object, the older training-operator's, or Kubernetes' own Indexed Job with a
            headless Service. On a cluster without Trainer a TrainJob becomes the latter.
        env : mapping, optional
            Further environment variables.
        volumes : mapping, optional
            What the processes read from, mounted read-only: a path in the pod, and the source of a Kubernetes
            volume, such as ``{"/mnt/data": {"hostPath": {"path": "/data"}}}``.
        image : str, optional
            The image of the cluster's JAX runtime unless given.
        max_restarts : int
            How often the workers start again after one was lost; a JAXJob's only with checkpoints. A
            function that raises is not run again.

        Raises
        ------
        KubelabError
            If the function cannot travel or an option is wrong; nothing is created then.
        """
        from kubelab.training.launch import launch

        return launch(
            self.client,
            self.namespace,
            fn,
            name=name,
            num_nodes=num_nodes,
            args=args,
            resources=resources,
            checkpoint_every=checkpoint_every,
            kind=kind,
            env=env,
            volumes=volumes,
            image=image,
            max_restarts=max_restarts,
        )

    def sweep(
        self,
        fn: Callable[..., object],
        *,
        space: Mapping[str, Parameter],
        objective: str,
        direction: Literal["minimize", "maximize"] = "minimize",
        goal: float | None = None,
        algorithm: str = "tpe",
        settings: Mapping[str, object] | None = None,
        stopping: str | None = None,
        stopping_settings: Mapping[str, object] | None = None,
        max_trials: int = 20,
        parallel: int = 2,
        max_failed: int = 3,
        metrics: tuple[str, ...] = (),
        seed: int | None = None,
        args: Mapping[str, Any] | None = None,
        num_nodes: int = 1,
        resources: Mapping[str, Quantity] | None = None,
        kind: Literal["TrainJob", "JAXJob", "Job"] = "TrainJob",
        env: Mapping[str, str] | None = None,
        image: str | None = None,
        volumes: Mapping[str, Object] | None = None,
        name: str | None = None,
    ) -> Sweep:
        """Search for the best arguments of a function, each trial a job, and return the handle at once.

        Parameters
        ----------
        fn : callable
            An ordinary function that reports the objective with `kubelab.training.report`.
        space : mapping of str to parameter
            What to search, by the function's arguments: ``{"lr": log(1e-4, 1e-1), "width": choice(64, 128)}``
            with `uniform`, `log`, `integer`, `normal`, `choice` and `when` of `kubelab.tuning`.
        objective : str
            The metric that is to be best.
        direction : {"minimize", "maximize"}
            What best means.
        goal : float, optional
            The value with which the search is over.
        algorithm : str
            How trials are chosen: `kubelab.tuning.suggestion` has them, under Katib's names, and ``asha``.
        settings : mapping, optional
            The algorithm's settings.
        stopping : str, optional
            The rule that stops trials early, such as ``medianstop``; ``asha`` brings its own.
        stopping_settings : mapping, optional
            The rule's settings.
        max_trials, parallel : int
            How many trials in all, and at a time.
        max_failed : int
            How many trials may fail before the sweep does.
        metrics : tuple of str
            Metrics that are kept besides the objective.
        seed : int, optional
            Makes the search repeatable.
        args : mapping, optional
            The function's other arguments.
        num_nodes, resources, kind, env, image, volumes
            Each trial's job, as in `train`.
        name : str, optional
            Made from the function's name unless given.

        Raises
        ------
        KubelabError
            If the search cannot be made or the function cannot travel; nothing is created then.
        """
        from kubelab.sweeps.launch import launch

        return launch(
            self.client,
            self.namespace,
            fn,
            space=space,
            objective=objective,
            direction=direction,
            goal=goal,
            algorithm=algorithm,
            settings=settings,
            stopping=stopping,
            stopping_settings=stopping_settings,
            max_trials=max_trials,
            parallel=parallel,
            max_failed=max_failed,
            metrics=metrics,
            seed=seed,
            args=args,
            num_nodes=num_nodes,
            resources=resources,
            kind=kind,
            env=env,
            image=image,
            volumes=volumes,
            name=name,
        )

    def tune_llm(
        self,
        *,
        model: str = "nano",
        data: str = "stdlib-prose",
        lora: Mapping[str, Any] | None = None,
        space: Mapping[str, Parameter] | None = None,
        steps: int = 60,
        algorithm: str = "asha",
        max_trials: int = 12,
        parallel: int = 2,
        args: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Sweep:
        """Search for the best way to fine-tune a small language model with LoRA; return the handle at once.

        Parameters
        ----------
        model : str
            A base by its name or size, made before by ``kubelab pretrain``; trials read it from a volume.
        data : str
            The text to adapt to: ``stdlib-prose``, ``stdlib``, a folder, or ``hf:NAME``.
        lora : mapping, optional
            What is fixed of LoRA: rank, alpha, dropout, targets.
        space : mapping, optional
            What to search among the arguments of `kubelab.llm.finetune`; learning rate, rank, alpha, dropout,
            batch and schedule unless given.
        steps : int
            Training steps of a trial that is not stopped early.
        args : mapping, optional
            What is fixed of the arguments of `kubelab.llm.finetune`, such as ``{"batch": 8}``; without a
            ``space``, it is not searched then.
        algorithm, max_trials, parallel, **options
            As in `sweep`. Half of the trials may fail: a learning rate that is far too high diverges.

        Raises
        ------
        KubelabError
            If there is no such base, or the search cannot be made; nothing is created then.
        """
        from kubelab import llm
        from kubelab.llm.search import default_space, fixed_arguments, place_of, rungs

        base = llm.find(model)
        fixed = (lora or {}) if space is not None else {**(lora or {}), **(args or {})}
        space = default_space() if space is None else space
        space = {name: parameter for name, parameter in space.items() if name not in fixed}
        mounted = llm.mounted_bases()
        for option, needed in mounted.items():
            mounted[option] = {**needed, **(options.pop(option, None) or {})}
        return self.sweep(
            llm.finetune,
            space=space,
            objective="val_loss",
            algorithm=algorithm,
            max_trials=max_trials,
            parallel=parallel,
            args={**fixed_arguments(base.name, place_of(data), steps, lora, space), **(args or {})},
            **{
                "metrics": ("loss",),
                "settings": rungs(algorithm, steps),
                "max_failed": max(3, max_trials // 2),
                **mounted,
                **options,
            },
        )

    def find_sweep(self, name: str) -> Sweep:
        """Return the handle of a sweep that exists, by its name.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        from kubelab.sweeps.launch import attach

        return attach(self.client, self.namespace, name)

    def sweeps(self) -> list[Sweep]:
        """Return the handles of the namespace's sweeps, oldest first."""
        from kubelab.sweeps import Sweep

        metas = [each["metadata"] for each in self._list(EXPERIMENTS, self.namespace)]
        return [
            Sweep(self.client, self.namespace, meta["name"], meta["uid"])
            for meta in sorted(metas, key=lambda meta: str(meta["creationTimestamp"]))
        ]

    def job(self, name: str) -> TrainJob:
        """Return the handle of a job that exists, by its name.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        from kubelab.training.launch import attach

        return attach(self.client, self.namespace, name)

    def jobs(self) -> list[TrainJob]:
        """Return the handles of the namespace's training jobs, oldest first."""
        from kubelab.training import TrainJob
        from kubelab.training.launch import is_launched

        found: list[tuple[str, TrainJob]] = []
        for resource in (TRAIN_JOBS, JAX_JOBS, JOBS):
            with contextlib.suppress(NotFoundError):  # a cluster may serve only some of them
                for job in self._list(resource, self.namespace):
                    if resource == JOBS and not is_launched(job):
                        continue
                    meta = job["metadata"]
                    handle = TrainJob(self.client, resource.kind, self.namespace, meta["name"], meta["uid"])
                    found.append((meta["creationTimestamp"], handle))
        return [handle for _, handle in sorted(found, key=lambda pair: pair[0])]

    def nodes(self) -> pd.DataFrame:
        """Return one row a node: name, ready, cpu_millicores and memory_bytes that pods may use."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "name": node["metadata"]["name"],
                    "ready": _is_ready(node),
                    "cpu_millicores": cpu_millicores(_allocatable(node, "cpu")),
                    "memory_bytes": whole(_allocatable(node, "memory")),
                }
                for node in self._list(NODES)
            ],
            columns=["name", "ready", "cpu_millicores", "memory_bytes"],
        )

    def add_nodes(self, count: int, template: NodeTemplate | Mapping[str, Any] | None = None) -> list[str]:
        """Create simulated nodes and return their names; ``kubectl delete node`` removes one.

        Pods on them are no processes: those of a Job complete after a second, others go on, and annotations
        ``simulated.kubelab.dev/...`` of a pod say otherwise: `kubelab.engine.nodes.simulated.declaration`.
        Select the nodes by their label ``type: kwok``, and tolerate their taint ``kwok.x-k8s.io/node``, which
        keeps off what is meant to run. On a cluster that kubelab did not start, they need KWOK.

        Parameters
        ----------
        count : int
            How many.
        template : NodeTemplate or mapping, optional
            What they are like, such as ``{"cpu": 8, "memory": "32Gi", "zone": "a"}``.

        Raises
        ------
        KubelabError
            If the count or the template is wrong; nothing is created then.
        """
        from kubelab.node_template import NodeTemplate, simulated_nodes

        taken = {node["metadata"]["name"] for node in self._list(NODES)}
        nodes = simulated_nodes(count, NodeTemplate.of(template), taken)
        portal.run(self._create_all(NODES, nodes))
        return [node["metadata"]["name"] for node in nodes]

    def capabilities(self) -> Capabilities:
        """Return which parts of Kubernetes' surroundings the cluster has, and how to install the others.

        Looks for Kubeflow Trainer, JobSet, Katib, training-operator, Cluster Autoscaler, Vertical Pod
        Autoscaler, metrics.k8s.io and Prometheus. What the user may not see is not known; nothing is made.
        """
        from kubelab import capabilities

        return portal.run(capabilities.read(self.client))

    def cost(self, *, hours: float = 24, prices: Prices | None = None) -> Cost:
        """Return what the cluster costs: an hour now, and in the hours until now, by whom, and what is idle.

        Parameters
        ----------
        hours : float
            How far to look back, but not beyond the first node.
        prices : Prices, optional
            What nodes cost that do not say it in their annotations; `kubelab.autoscaling.catalogue`, by their
            label ``node.kubernetes.io/instance-type``, unless given.

        Raises
        ------
        KubelabError
            If that is no time, or the price file is wrong.
        """
        from kubelab.autoscaling.catalogue import Catalogue
        from kubelab.costs.survey import read_cost

        prices = Catalogue.load() if prices is None else prices
        return portal.run(read_cost(self.client, self._now(), hours=hours, prices=prices))

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
            nodes = self._list(NODES)
        except ConnectionFailedError:
            return f"<Cluster {self.name}: {self.engine}, not reachable>"
        cpu = sum(cpu_millicores(_allocatable(node, "cpu")) for node in nodes) / 1000
        memory = format_memory(sum(whole(_allocatable(node, "memory")) for node in nodes))
        ready = sum(map(_is_ready, nodes))
        state = "Ready" if nodes and ready == len(nodes) else f"{ready}/{len(nodes)} Ready"
        count = f"{len(nodes)} node" + ("" if len(nodes) == 1 else "s")
        return f"<Cluster {self.name}: {self.engine}, {count}, {cpu:g} CPU, {memory}, {state}>"

    async def _create_all(self, resource: Resource, objects: list[Object]) -> None:
        for start in range(0, len(objects), _TOGETHER):
            batch = objects[start : start + _TOGETHER]
            await asyncio.gather(*(self.client.create(resource, obj) for obj in batch))

    def _now(self) -> datetime:
        return RealClock().now()

    def _list(self, resource: Resource, namespace: str | None = None) -> list[Object]:
        return portal.run(self.client.list(resource, namespace)).items


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


def _allocatable(node: Object, resource: str) -> Quantity:
    quantity: Quantity = (node.get("status", {}).get("allocatable") or {}).get(resource, 0)
    return quantity


def _is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
