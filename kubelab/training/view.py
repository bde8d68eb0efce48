"""`JobView`: a job and its pods at one moment, and what can be read off them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kubelab.client import Object
from kubelab.training.builders import FATAL_EXIT_CODES, STEPS
from kubelab.training.pod.environment import CHECKPOINT_DIR
from kubelab.training.pod.failure import EXIT_PEER_LOST

Phase = Literal["Pending", "Running", "Restarting", "Suspended", "Succeeded", "Failed"]

CONTAINERS = {"TrainJob": "node", "JAXJob": "jax", "Job": "node"}
_SELECTORS = {
    "TrainJob": "jobset.sigs.k8s.io/jobset-name",
    "JAXJob": "training.kubeflow.org/job-name",
    "Job": "batch.kubernetes.io/job-name",
}
_RANKS = ("batch.kubernetes.io/job-completion-index", "training.kubeflow.org/replica-index")
_ATTEMPT = "jobset.sigs.k8s.io/restart-attempt"
_ENDED: dict[str, Phase] = {"Complete": "Succeeded", "Succeeded": "Succeeded", "Failed": "Failed"}

CONSEQUENCES = frozenset({EXIT_PEER_LOST, 134, 143})
"""Exit codes of workers that ended because another did: its own, JAX's abort, SIGTERM."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a worker's container ended.

    Parameters
    ----------
    rank, attempt : int
        Whose it was, and in which attempt.
    pod : str
        Its pod.
    exit_code : int
        Above 128 a signal's number plus 128.
    reason, message : str
        The container status's own words, such as ``OOMKilled``.
    finished_at : str
        When it ended, to the second.
    previous : bool
        Whether the container has been started again since.
    """

    rank: int
    attempt: int
    pod: str
    exit_code: int
    reason: str
    message: str
    finished_at: str
    previous: bool

    @property
    def is_consequence(self) -> bool:
        """Whether it only followed another worker's end."""
        return self.exit_code in CONSEQUENCES

    @property
    def is_restarted(self) -> bool:
        """Whether the workers may be started again after it; a function that raised is not run again."""
        return self.exit_code not in FATAL_EXIT_CODES


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, and all of its pods that still exist.

    Parameters
    ----------
    job : dict
        A TrainJob, JAXJob or Indexed Job.
    pods : tuple of dict
        In any order.
    logged_step : int, optional
        The newest step in rank 0's log, where the job's status does not tell it.
    logged_attempt : int
        How often the workers had been started before, by the same log.
    """

    job: Object
    pods: tuple[Object, ...]
    logged_step: int | None = None
    logged_attempt: int = 0

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.job["metadata"]["name"])

    @property
    def kind(self) -> str:
        """``TrainJob``, ``JAXJob`` or ``Job``."""
        return str(self.job["kind"])

    @property
    def num_nodes(self) -> int:
        """How many workers it has."""
        spec = self.job["spec"]
        if self.kind == "TrainJob":
            return int((spec.get("trainer") or {}).get("numNodes") or 1)
        if self.kind == "Job":
            return int(spec.get("completions") or 1)
        return int(spec["jaxReplicaSpecs"]["Worker"].get("replicas", 1))

    @property
    def workers(self) -> dict[int, Object]:
        """The youngest pod of each rank that has one."""
        by_rank: dict[int, Object] = {}
        for pod in sorted(self.pods, key=_age):
            if (rank := rank_of(pod)) is not None:
                by_rank[rank] = pod
        return dict(sorted(by_rank.items()))

    @property
    def running(self) -> int:
        """How many workers run."""
        return sum(map(is_running, self.workers.values()))

    @property
    def ended(self) -> Object | None:
        """The condition that says how the job ended, if it has."""
        return next((each for each in self._conditions() if each["type"] in _ENDED and _is_true(each)), None)

    @property
    def phase(self) -> Phase:
        """Where the job stands, in one word."""
        if (ended := self.ended) is not None:
            return _ENDED[ended["type"]]
        if self._asks_to_suspend():
            return "Suspended"
        workers = self.workers
        done = sum(1 for pod in workers.values() if _pod_phase(pod) == "Succeeded")
        if self.running and self.running + done == self.num_nodes:
            return "Running"
        again = self.restarts or any(failure.is_restarted for failure in self.failures())
        return "Restarting" if again else "Pending"

    @property
    def restarts(self) -> int:
        """How often the workers were started again."""
        return max([self.logged_attempt, *(attempt_of(pod) + _restarts(pod) for pod in self.pods)])

    @property
    def has_volume(self) -> bool:
        """Whether checkpoints and metrics outlive its pods."""
        return CHECKPOINT_DIR in self.variables

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of its workers whose values stand in the job."""
        return {variable["name"]: str(variable.get("value") or "") for variable in self._env()}

    @property
    def step(self) -> int | None:
        """The newest step that rank 0 reported."""
        posted = self.metrics().get("step")
        return self.logged_step if posted is None else int(float(posted))

    @property
    def steps(self) -> int | None:
        """How many steps there will be, where that is known."""
        text = (self.job["metadata"].get("annotations") or {}).get(STEPS, "")
        return int(text) if text.isdigit() else None

    @property
    def done(self) -> float | None:
        """How much of its steps it has done, from 0 to 1, where that is known."""
        if self.phase == "Succeeded":
            return 1.0
        return min(1.0, (self.step or 0) / self.steps) if self.steps else None

    def metrics(self) -> dict[str, str]:
        """Return the newest metrics that rank 0 posted, by name."""
        status = (self.job.get("status") or {}).get("trainerStatus") or {}
        return {metric["name"]: metric["value"] for metric in status.get("metrics") or ()}

    def failures(self) -> list[Failure]:
        """Return the containers that ended badly, the newest attempt first, causes before consequences."""
        found = [failure for pod in self.pods for failure in _failures(pod)]
        return sorted(
            found, key=lambda each: (-each.attempt, each.is_consequence, each.finished_at, each.rank)
        )

    def first_failure(self) -> Failure | None:
        """Return the failure that the newest attempt's others followed from."""
        return next(iter(self.failures()), None)

    def summary(self, step: int | None = None) -> str:
        """Return the job in a line: ``Running, 2/2 workers, step 120/300``."""
        parts: list[str] = [self.phase]
        if self.phase in {"Pending", "Running", "Restarting"}:
            parts.append(f"{self.running}/{self.num_nodes} workers")
        step = self.step if step is None else step
        if step is not None:
            parts.append(f"step {step}/{self.steps}" if self.steps else f"step {step}")
        return ", ".join(parts)

    def _env(self) -> list[Object]:
        if self.kind == "TrainJob":
            return (self.job["spec"].get("trainer") or {}).get("env") or []
        spec = self.job["spec"]
        worker = spec if self.kind == "Job" else spec["jaxReplicaSpecs"]["Worker"]
        containers = worker["template"]["spec"]["containers"]
        return [variable for container in containers for variable in container.get("env") or ()]

    def _conditions(self) -> list[Object]:
        return (self.job.get("status") or {}).get("conditions") or []

    def _asks_to_suspend(self) -> bool:
        spec = self.job["spec"]
        return bool(spec.get("suspend") or (spec.get("runPolicy") or {}).get("suspend"))


def pod_selector(kind: str, name: str) -> str:
    """Return the label selector of a job's pods."""
    return f"{_SELECTORS[kind]}={name}"


def rank_of(pod: Object) -> int | None:
    """Return the rank of a job's pod."""
    known = _marks(pod)
    return next((int(known[key]) for key in _RANKS if key in known), None)


def is_running(pod: Object) -> bool:
    """Tell whether a pod runs, and is not being deleted."""
    return _pod_phase(pod) == "Running"


def attempt_of(pod: Object) -> int:
    """Return how often the job's workers had been recreated when this pod was."""
    return int(_marks(pod).get(_ATTEMPT, 0))


def restarts_of(pod: Object) -> int:
    """Return how often the pod's containers were started again in place."""
    return _restarts(pod)


def _failures(pod: Object) -> Iterable[Failure]:
    rank = rank_of(pod)
    if rank is None:
        return
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        for key in ("state", "lastState"):
            ended: Mapping[str, Any] | None = (status.get(key) or {}).get("terminated")
            if ended and ended.get("exitCode"):
                yield Failure(
                    rank=rank,
                    attempt=attempt_of(pod) + int(status.get("restartCount", 0)) - (key == "lastState"),
                    pod=str(pod["metadata"]["name"]),
                    exit_code=int(ended["exitCode"]),
                    reason=str(ended.get("reason", "")),
                    message=str(ended.get("message", "")),
                    finished_at=str(ended.get("finishedAt", "")),
                    previous=key == "lastState",
                )


def _marks(pod: Object) -> dict[str, str]:
    meta = pod["metadata"]
    return {**(meta.get("annotations") or {}), **(meta.get("labels") or {})}


def _restarts(pod: Object) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(status.get("restartCount", 0)) for status in statuses)


def _pod_phase(pod: Object) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((pod.get("status") or {}).get("phase", "Pending"))


def _is_true(condition: Object) -> bool:
    return bool(condition["status"] == "True")


def _age(pod: Object) -> tuple[str, int]:
    return str(pod["metadata"].get("creationTimestamp", "")), attempt_of(pod)
