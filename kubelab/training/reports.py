"""`Reports`: what a job's workers have said so far, read from their logs again and again."""

from __future__ import annotations

import asyncio

from kubelab.training.metrics import Metric, parse_metrics
from kubelab.training.pod.data import read_line
from kubelab.training.reading import JobReader
from kubelab.training.view import JobView


class Reports:
    """Keeps what it has read, also when the pods that said it are gone.

    Parameters
    ----------
    reader : JobReader
        Reads the job.
    """

    def __init__(self, reader: JobReader) -> None:
        self.reader = reader
        self._metrics: dict[Metric, None] = {}
        self._datasets: dict[str, str] = {}

    @property
    def metrics(self) -> list[Metric]:
        """What was reported, each once, in the order in which it was read."""
        return list(self._metrics)

    @property
    def datasets(self) -> dict[str, str]:
        """The digest of each dataset that a worker said it learns from, by its name."""
        return dict(self._datasets)

    async def read(self, view: JobView) -> None:
        """Read the logs of the pods that there are."""
        logs = await asyncio.gather(*(self.reader.lines(rank) for rank in view.workers))
        for rank, lines in zip(view.workers, logs, strict=True):
            self._metrics.update(dict.fromkeys(parse_metrics(lines, rank)))
            self._datasets.update(filter(None, map(read_line, lines)))
