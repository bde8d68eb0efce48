"""A cluster on virtual time, as a notebook holds it."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from kubelab import Cluster, portal
from kubelab.client import EVENTS, JOBS, NODES, PODS, Object
from kubelab.engine.simulation.loop import SimulationClosedError
from kubelab.engine.simulation.simulation import START
from kubelab.errors import KubelabError
from kubelab.simulated_cluster import NotReachedError, SimulatedCluster, SimulationTimeError
from tests.unit.simulated_day import DEPLOYMENTS, deployment, job


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        yield made


def status(lab: SimulatedCluster, name: str) -> Object:
    found: Object = portal.run(lab.client.get(JOBS, name, "default"))["status"]
    return found


def pods(lab: SimulatedCluster) -> list[Object]:
    return portal.run(lab.client.list(PODS)).items


def seconds_between(earlier: str, later: str) -> float:
    from kubelab.clock import parse_rfc3339

    return (parse_rfc3339(later) - parse_rfc3339(earlier)).total_seconds()


def test_what_needs_no_time_is_done_when_the_answer_comes(lab: SimulatedCluster) -> None:
    names = lab.add_nodes(3, {"cpu": 4, "memory": "8Gi", "prefix": "node"})
    before = lab.now
    portal.run(lab.client.create(JOBS, job("batch", 6, 600)))
    assert {pod["status"]["phase"] for pod in pods(lab)} == {"Running"}
    assert {pod["spec"]["nodeName"] for pod in pods(lab)} == set(names)
    assert lab.now == before
    assert repr(lab) == "<Cluster simulated-7: simulated, 3 nodes, 12 CPU, 24 GiB, Ready>"


def test_a_job_completes_when_its_pods_say_so_and_not_before(lab: SimulatedCluster) -> None:
    lab.add_nodes(3, {"cpu": 4, "memory": "8Gi"})
    portal.run(lab.client.create(JOBS, job("batch", 6, 600)))
    lab.run(seconds=599)
    assert status(lab, "batch")["active"] == 6
    lab.run(seconds=1)
    done = status(lab, "batch")
    assert done["succeeded"] == 6
    assert seconds_between(done["startTime"], done["completionTime"]) == 600


def test_a_failing_job_backs_off_in_virtual_time(lab: SimulatedCluster) -> None:
    lab.add_nodes(1)
    portal.run(lab.client.create(JOBS, job("broken", 1, 30, exit_code=3)))
    lab.run(hours=1)
    failed = status(lab, "broken")
    assert failed["failed"] == 3
    condition = next(each for each in failed["conditions"] if each["type"] == "Failed")
    assert condition["reason"] == "BackoffLimitExceeded"
    lasted_s = seconds_between(failed["startTime"], condition["lastTransitionTime"])
    assert 3 * 30 + 10 + 20 <= lasted_s < 3 * 30 + 10 + 20 + 10


def test_pods_of_a_deleted_node_start_again_elsewhere(lab: SimulatedCluster) -> None:
    first, second = lab.add_nodes(2, {"cpu": 4, "memory": "8Gi"})
    portal.run(lab.client.create(DEPLOYMENTS, deployment("web", 6)))
    assert {pod["spec"]["nodeName"] for pod in pods(lab)} == {first, second}
    portal.run(lab.client.delete(NODES, first))
    lab.run(minutes=2)
    assert len(pods(lab)) == 6
    assert {pod["spec"]["nodeName"] for pod in pods(lab)} == {second}
    assert {pod["status"]["phase"] for pod in pods(lab)} == {"Running"}


def test_events_are_forgotten_in_virtual_time(lab: SimulatedCluster) -> None:
    lab.add_nodes(1)
    portal.run(lab.client.create(JOBS, job("batch", 2, 10)))
    lab.run(minutes=1)
    assert portal.run(lab.client.list(EVENTS)).items
    lab.run(hours=2)
    assert not portal.run(lab.client.list(EVENTS)).items


def test_run_until_stops_where_the_condition_comes_true(lab: SimulatedCluster) -> None:
    lab.add_nodes(3, {"cpu": 4, "memory": "8Gi"})
    portal.run(lab.client.create(JOBS, job("batch", 6, 7200)))
    began = lab.now
    lab.run_until(lambda: status(lab, "batch").get("succeeded") == 6)
    assert timedelta(hours=2) <= lab.now - began < timedelta(hours=2, seconds=5)


def test_run_until_says_when_it_gave_up(lab: SimulatedCluster) -> None:
    began = lab.now
    with pytest.raises(NotReachedError, match="does not hold after 3 simulated hours") as caught:
        lab.run_until(lambda: False, hours=3)
    assert caught.value.now == lab.now == began + timedelta(hours=3)


@pytest.mark.parametrize("hours", [0, -1])
def test_time_does_not_go_back(lab: SimulatedCluster, hours: float) -> None:
    with pytest.raises(SimulationTimeError, match=r"run\(hours=24\)"):
        lab.run(hours=hours)


def test_a_watch_from_outside_sees_what_time_brings(lab: SimulatedCluster) -> None:
    lab.add_nodes(1)
    portal.run(lab.client.create(JOBS, job("batch", 1, 60)))

    async def completed() -> None:
        async for event in lab.client.watch(JOBS, "default", resource_version="0"):
            if (event.object.get("status") or {}).get("succeeded"):
                return

    watching = asyncio.run_coroutine_threadsafe(completed(), portal.loop())
    lab.run(minutes=2)
    watching.result(60)


def test_a_cancelled_watch_lets_go(lab: SimulatedCluster) -> None:
    async def give_up() -> None:
        async with asyncio.timeout(0.2):
            async for _ in lab.client.watch(JOBS, "default", resource_version="1"):
                pass

    with pytest.raises(TimeoutError):
        portal.run(give_up())
    assert pods(lab) == []


def test_closing_ends_a_watch_that_somebody_follows(lab: SimulatedCluster) -> None:
    async def follow() -> None:
        async for _ in lab.client.watch(JOBS, "default", resource_version="1"):
            pass

    watching = asyncio.run_coroutine_threadsafe(follow(), portal.loop())
    lab.add_nodes(1)
    lab.close()
    with pytest.raises(SimulationClosedError):
        watching.result(60)


def test_a_closed_simulation_says_so(lab: SimulatedCluster) -> None:
    assert lab.now >= START
    lab.close()
    lab.close()
    with pytest.raises(SimulationClosedError, match="makes a new one"):
        pods(lab)
    with pytest.raises(SimulationClosedError):
        lab.run(hours=1)
    with pytest.raises(KubelabError, match="not a lab cluster"):
        lab.down()


def test_two_runs_of_one_seed_are_the_same_and_of_another_are_not() -> None:
    """In processes whose sets and dictionaries are ordered differently."""
    first, again, other = _day(seed=7, hashes="1"), _day(seed=7, hashes="2"), _day(seed=8, hashes="1")
    for moment, objects in first.items():
        assert len(objects) == len(again[moment])
        for one, same in zip(objects, again[moment], strict=True):
            assert one == same, moment
    assert first["after an hour"]
    uids = {each["metadata"]["uid"] for each in first["after a day"]}
    assert not uids & {each["metadata"]["uid"] for each in other["after a day"]}


def _day(seed: int, hashes: str) -> dict[str, list[Object]]:
    command = [sys.executable, "-m", "tests.unit.simulated_day", str(seed)]
    env = {**os.environ, "PYTHONHASHSEED": hashes}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=250, check=True)
    found: dict[str, list[Object]] = json.loads(done.stdout)
    return found


def test_garbage_collection_is_as_before_once_time_has_passed(lab: SimulatedCluster) -> None:
    before = gc.get_threshold()
    lab.run(hours=1)
    assert gc.get_threshold() == before
