"""`context`, `report` and `fingerprint`: the calls that a training function makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubelab.errors import KubelabError
from kubelab.training.pod.data import digest_of
from kubelab.training.pod.distributed import join
from kubelab.training.pod.environment import PodEnvironment
from kubelab.training.pod.memory import keep_memory
from kubelab.training.pod.reporting import Reporter
from kubelab.training.pod.run import Run

_STEPS = ("steps", "num_steps", "max_steps", "total_steps")


class Session:
    """What a worker's process holds: made once, closed when the function has returned."""

    def __init__(
        self, args: Mapping[str, Any] | None = None, environment: PodEnvironment | None = None
    ) -> None:
        self.environment = environment or PodEnvironment.read()
        self.args = dict(args or {})
        self.reporter = Reporter(self.environment, steps_of(self.args))
        self.run: Run | None = None

    def join(self) -> Run:
        """Connect to the other workers, once."""
        if self.run is None:
            keep_memory()
            join(self.environment)
            self.run = Run(self.environment, self.args)
        return self.run

    def close(self) -> None:
        """Finish checkpoints and post the last status."""
        if self.run is not None:
            self.run.close()
        self.reporter.close()


_session: Session | None = None


def open_session(args: Mapping[str, Any]) -> Session:
    """Start this process's session; `kubelab.training.pod.entry` does, before the function runs."""
    global _session  # noqa: PLW0603 - one process is one worker
    _session = Session(args)
    return _session


def context() -> Run:
    """Return this worker's `Run`, after connecting it to its peers.

    Call it before the first JAX computation. Outside a job it is a lone worker's, so that a
    function can be tried in a notebook as it is.

    Raises
    ------
    KubelabError
        If JAX has used a device already, or the other workers cannot be found.
    """
    return _current().join()


def report(step: int | None = None, **metrics: float) -> None:
    """Report numbers: a line ``name=value`` in the log, and the job's newest status from rank 0.

    Parameters
    ----------
    step : int, optional
        The step they belong to; with it ``steps_per_second`` is measured and added.
    **metrics : float
        Any number, or an array of one element that this worker can read.

    Raises
    ------
    KubelabError
        If a value is not a number or a name not a metric's. Posting never raises.
    """
    _current().reporter.report(step, metrics)


def fingerprint(name: str, *data: Any, digest: str = "") -> str:
    """Say which data this run learns from, for its lineage, and return the data's digest.

    Parameters
    ----------
    name : str
        What the data is called, such as ``digits``.
    *data
        Arrays, texts or bytes, and sequences and mappings of them: their SHA-256 is the fingerprint.
    digest : str, optional
        The fingerprint, where it is known without reading the data: 8 to 64 hexadecimal digits.

    Raises
    ------
    KubelabError
        If the name cannot stand in a line, or there is nothing to make a digest from.
    """
    if bool(data) == bool(digest):
        raise KubelabError(
            f"fingerprint({name!r}) needs either the data, fingerprint('digits', x, y), or digest=..."
        )
    digest = digest or digest_of(data)
    _current().reporter.fingerprint(name, digest)
    return digest


def steps_of(args: Mapping[str, Any]) -> int | None:
    """Return how many steps a function will make, if one of its arguments says so."""
    for name in _STEPS:
        value = args.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _current() -> Session:
    return _session if _session is not None else open_session({})
