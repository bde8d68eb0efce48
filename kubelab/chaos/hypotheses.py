"""What is expected to hold before, during and after a fault, and how samples show whether it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from kubelab.chaos.errors import UnknownHypothesisError
from kubelab.chaos.samples import Sample, Stage


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a hypothesis held in one stage, and the sentence with the numbers that show it."""

    stage: Stage
    holds: bool
    evidence: str


class Hypothesis(ABC):
    """A steady state.

    Attributes
    ----------
    text : str
        What is expected, as it is asked for.
    """

    text: str

    def check(self, stage: Stage, samples: Sequence[Sample]) -> Check:
        """Say whether it held in a stage, by all samples so far."""
        seen = [sample for sample in samples if sample.is_seen]
        inside = [sample for sample in seen if sample.stage == stage]
        if not inside:
            nothing_asked = stage == "during" and not any(each.stage == stage for each in samples)
            return Check(stage, nothing_asked, "the fault was over at once" if nothing_asked else "not seen")
        before = [sample for sample in seen if sample.stage == "before"]
        return self._check(stage, inside, before)

    @abstractmethod
    def _check(self, stage: Stage, inside: Sequence[Sample], before: Sequence[Sample]) -> Check: ...


class _JobHypothesis(Hypothesis):
    """One about a job; all begin with a job that makes steps."""

    def _check(self, stage: Stage, inside: Sequence[Sample], before: Sequence[Sample]) -> Check:
        if stage == "before":
            return Check(stage, _is_whole(inside[-1]) and _advances(inside), _account(inside))
        was = before[-1] if before else inside[0]
        holds = self._held_during(inside, was) if stage == "during" else self._held_after(inside, was)
        return Check(stage, holds, _account(inside))

    def _held_during(self, inside: Sequence[Sample], _was: Sample) -> bool:
        return all(sample.phase != "Failed" for sample in inside)

    @abstractmethod
    def _held_after(self, inside: Sequence[Sample], was: Sample) -> bool: ...


class GoesOn(_JobHypothesis):
    """The job makes steps all the while, and no worker is started again."""

    text = "the job goes on"

    def _held_during(self, inside: Sequence[Sample], was: Sample) -> bool:
        return self._held_after(inside, was)

    def _held_after(self, inside: Sequence[Sample], was: Sample) -> bool:
        return all(sample.restarts == was.restarts for sample in inside) and _makes_steps(inside)


class Resumes(_JobHypothesis):
    """The job's workers start again, go on from a step that they had saved, and pass where they were."""

    text = "the job resumes from its checkpoint"

    def _held_after(self, inside: Sequence[Sample], was: Sample) -> bool:
        last = inside[-1]
        if last.restarts <= was.restarts or last.first_step is None or was.first_step is None:
            return False
        has_resumed = last.first_step > was.first_step
        return has_resumed and last.phase in {"Running", "Succeeded"} and (last.step or 0) > (was.step or 0)


class Recovers(_JobHypothesis):
    """Whatever happens meanwhile, the job makes steps again afterwards; where it begins does not matter."""

    text = "the job recovers"

    def _held_after(self, inside: Sequence[Sample], _was: Sample) -> bool:
        return _makes_steps(inside)


class Claim(Hypothesis):
    """A function returns True each time it is asked.

    Parameters
    ----------
    asked : callable
        The function.
    """

    def __init__(self, asked: Callable[[], bool]) -> None:
        self.asked = asked
        named = asked.func if isinstance(asked, partial) else asked
        self.text = (named.__doc__ or getattr(named, "__name__", "") or repr(named)).strip().splitlines()[0]

    def _check(self, stage: Stage, inside: Sequence[Sample], _before: Sequence[Sample]) -> Check:
        true = sum(1 for sample in inside if sample.answer)
        holds = bool(inside[-1].answer) if stage == "after" else true == len(inside)
        return Check(stage, holds, f"true {true} of {len(inside)} times")


_KNOWN: tuple[type[_JobHypothesis], ...] = (GoesOn, Resumes, Recovers)
HYPOTHESES = tuple(each.text for each in _KNOWN)
"""What can be expected of a job."""


def hypothesis_of(expect: str | Callable[[], bool]) -> Hypothesis:
    """Return the hypothesis that a sentence or a function stands for.

    Raises
    ------
    UnknownHypothesisError
        If no check is known for the sentence.
    """
    if callable(expect):
        return Claim(expect)
    for known in _KNOWN:
        if known.text == expect.strip().rstrip(".").lower():
            return known()
    raise UnknownHypothesisError(expect, HYPOTHESES)


def _is_whole(sample: Sample) -> bool:
    return sample.phase == "Running" and sample.running == sample.workers


def _makes_steps(samples: Sequence[Sample]) -> bool:
    """Say whether the job is whole and advances, or has come to its end."""
    last = samples[-1]
    return last.phase == "Succeeded" or (_is_whole(last) and _advances(samples))


def _advances(samples: Sequence[Sample]) -> bool:
    """Say whether the newest run of the workers made a step while it was watched."""
    steps = [each.step for each in samples if each.step is not None and each.restarts == samples[-1].restarts]
    return len(steps) > 1 and steps[-1] > steps[0]


def _account(samples: Sequence[Sample]) -> str:
    first, last = samples[0], samples[-1]
    steps = [f"step {each.step}" for each in samples if each.step is not None] or ["no step"]
    parts = [f"{steps[0]} to {steps[-1]} in {last.at_s - first.at_s:.1f} s", last.phase]
    least = min(sample.running for sample in samples)
    parts.append(
        f"{last.running}/{last.workers} workers" + (f", at least {least}" if least < last.running else "")
    )
    if last.restarts > first.restarts or last.stage == "after":
        parts.append(f"{last.restarts} restart{'' if last.restarts == 1 else 's'} so far")
    if last.restarts and last.first_step is not None:
        parts.append(f"its newest start began at step {last.first_step}")
    return ", ".join(parts)
