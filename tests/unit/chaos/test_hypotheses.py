"""What samples say of a hypothesis."""

from __future__ import annotations

from functools import partial

import pytest

from kubelab.chaos.errors import UnknownHypothesisError
from kubelab.chaos.hypotheses import GoesOn, Recovers, Resumes, hypothesis_of
from kubelab.chaos.samples import Sample, Stage


def seen(
    stage: Stage, at_s: float, step: int, *, restarts: int = 0, first: int = 1, running: int = 2
) -> Sample:
    phase = "Running" if running == 2 else "Restarting"
    return Sample(at_s, stage, phase, step, first, restarts, running, 2)


STEADY = [seen("before", -2, 10), seen("before", -1, 12)]


def test_a_job_that_makes_steps_is_steady() -> None:
    check = GoesOn().check("before", STEADY)
    assert check.holds
    assert check.evidence == "step 10 to step 12 in 1.0 s, Running, 2/2 workers"


def test_a_job_that_stands_still_is_not_steady() -> None:
    assert not GoesOn().check("before", [STEADY[0], seen("before", -1, 10)]).holds


def test_a_job_that_was_started_again_did_not_go_on() -> None:
    after = [seen("after", 1, 13, restarts=1, first=11), seen("after", 2, 15, restarts=1, first=11)]
    assert not GoesOn().check("after", [*STEADY, *after]).holds
    assert Recovers().check("after", [*STEADY, *after]).holds


def test_a_job_that_began_again_from_the_start_did_not_resume() -> None:
    again = [seen("after", 1, 1, restarts=1, first=1), seen("after", 2, 15, restarts=1, first=1)]
    assert not Resumes().check("after", [*STEADY, *again]).holds


def test_a_job_that_began_again_where_it_had_saved_resumed_once_it_passed_where_it_was() -> None:
    resumed = [seen("after", 1, 11, restarts=1, first=11)]
    assert not Resumes().check("after", [*STEADY, *resumed]).holds
    resumed.append(seen("after", 2, 13, restarts=1, first=11))
    check = Resumes().check("after", [*STEADY, *resumed])
    assert check.holds
    assert check.evidence.endswith("1 restart so far, its newest start began at step 11")


def test_a_fault_that_is_over_at_once_asks_nothing_of_the_time_during_it() -> None:
    assert Resumes().check("during", STEADY).holds


def test_a_stage_in_which_the_api_never_answered_did_not_hold() -> None:
    check = GoesOn().check("during", [*STEADY, Sample(1, "during")])
    assert (check.holds, check.evidence) == (False, "not seen")


def test_a_function_has_to_return_true_every_time() -> None:
    def answers() -> bool:
        """The service answers."""
        return True

    claim = hypothesis_of(answers)
    samples = [Sample(0, "during", answer=True), Sample(1, "during", answer=False)]
    check = claim.check("during", samples)
    assert (claim.text, check.holds, check.evidence) == ("The service answers.", False, "true 1 of 2 times")


def test_a_sentence_that_nothing_checks_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownHypothesisError, match="the job goes on"):
        hypothesis_of("everything will be fine")
    assert hypothesis_of("The job goes on.").text == "the job goes on"


def test_a_function_with_some_arguments_given_is_called_by_its_own_name() -> None:
    def answers(port: int) -> bool:
        """The service answers."""
        return port > 0

    assert hypothesis_of(partial(answers, 80)).text == "The service answers."
