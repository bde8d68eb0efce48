"""A control plane that is killed at any step neither loses a pod nor counts one twice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.controllers.objects import JobWorld, indexed, job


def _run_to_the_end(world: JobWorld, choices: st.DataObject, failures: int) -> int:
    """Let nodes end pods and the controller crash as hypothesis chooses; return how many pods failed."""
    failed = 0
    for _ in range(400):
        if world.condition("Complete") or world.condition("Failed"):
            world.settle()
            return failed
        steps = world.steps(world.decide())
        stop_after = choices.draw(st.integers(1, len(steps)), label="steps before a crash") if steps else 0
        for step in steps[:stop_after]:
            step()
        assert len({world.index_of(name) for name in _indexed_active(world)}) == len(_indexed_active(world))
        if not steps and world.active():
            pod = choices.draw(st.sampled_from(sorted(world.active())), label="the pod that ends")
            fails = failed < failures and choices.draw(st.booleans(), label="it fails")
            failed += fails
            world.set_phase(pod, "Failed" if fails else "Succeeded")
        elif not steps:
            world.now_s += 700
    raise AssertionError("the Job does not end")


def _indexed_active(world: JobWorld) -> list[str]:
    return [name for name in world.active() if "annotations" in world.pods[name]["metadata"]]


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
def test_every_pod_of_a_job_is_counted_once(
    choices: st.DataObject, completions: int, parallelism: int, failures: int
) -> None:
    world = JobWorld(job(completions=completions, parallelism=parallelism, backoffLimit=10))
    failed = _run_to_the_end(world, choices, failures)
    assert world.status.get("succeeded", 0) == completions
    assert world.status.get("failed", 0) == failed
    assert world.status["uncountedTerminatedPods"] == {}


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
def test_every_index_of_a_job_is_counted_once(
    choices: st.DataObject, completions: int, parallelism: int, failures: int
) -> None:
    world = JobWorld(indexed(completions=completions, parallelism=parallelism, backoffLimit=10))
    failed = _run_to_the_end(world, choices, failures)
    assert world.status["succeeded"] == completions
    assert world.status.get("failed", 0) == failed


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 3), st.integers(1, 6))
def test_every_failure_of_an_index_is_counted_once(
    choices: st.DataObject, completions: int, failures: int
) -> None:
    spec = {"backoffLimitPerIndex": 2, "backoffLimit": 2**31 - 1}
    world = JobWorld(indexed(completions=completions, **spec))
    failed = _run_to_the_end(world, choices, failures)
    assert world.status.get("failed", 0) == failed
    settled = world.status.get("succeeded", 0) + len(_parse(world.status["failedIndexes"]))
    assert settled == completions


def _parse(text: str) -> list[str]:
    return [part for part in text.replace("-", ",").split(",") if part]
