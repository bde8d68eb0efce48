"""`JobVerbs`: run a function as a training job, and find jobs again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from kubelab.client import JAX_JOBS, JOBS, TRAIN_JOBS, Object
from kubelab.errors import NotFoundError
from kubelab.quantities import Quantity
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    from kubelab.training import TrainJob


class JobVerbs(Handle):
    """The verbs about training jobs."""

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
