"""`Observation`: looks at a job again and again while something is broken on purpose."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from kubelab import clock
from kubelab.chaos.hypotheses import Claim, Hypothesis
from kubelab.chaos.samples import Sample, Stage
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.training.metrics import Metric, parse_metrics
from kubelab.training.reading import JobReader

_TRIES = 3
_AGAIN_S = 0.05


class Observation:
    """Looks at a job, or asks a function.

    Parameters
    ----------
    reader : JobReader
        Reads the job.
    hypothesis : Hypothesis
        What is expected; a `Claim`'s function is asked at every look.

    Attributes
    ----------
    samples : list of Sample
        What was seen; times are by the machine's monotonic clock.
    """

    def __init__(self, reader: JobReader, hypothesis: Hypothesis) -> None:
        self.samples: list[Sample] = []
        self._reader = reader
        self._hypothesis = hypothesis

    async def look(self, stage: Stage) -> None:
        """Add one sample; one that is not seen if the API does not answer, or refuses again and again."""
        at_s = clock.monotonic()
        answer = await self._ask()
        sample = Sample(at_s, stage, answer=answer)
        for _ in range(_TRIES):
            with contextlib.suppress(ApiError, ConnectionFailedError):
                sample = replace(await self._seen(at_s, stage), answer=answer)
                break
            await asyncio.sleep(_AGAIN_S)
        self.samples.append(sample)

    async def _seen(self, at_s: float, stage: Stage) -> Sample:
        view = await self._reader.view()
        steps = parse_metrics(await self._reader.lines(0)) if 0 in view.workers else []
        attempt = max((metric.attempt for metric in steps), default=0)
        own = _steps(steps, attempt)
        return Sample(
            at_s,
            stage,
            phase=view.phase,
            step=own[-1] if own else None,
            first_step=own[0] if own else None,
            restarts=max(view.restarts, attempt),
            running=view.running,
            workers=view.num_nodes,
        )

    async def _ask(self) -> bool | None:
        if not isinstance(self._hypothesis, Claim):
            return None
        return bool(await asyncio.to_thread(self._hypothesis.asked))


def _steps(metrics: list[Metric], attempt: int) -> list[int]:
    """Return the steps that were reported in an attempt, in the order of the log."""
    return [metric.step for metric in metrics if metric.step is not None and metric.attempt == attempt]
