"""The db manager on the in-process lab; the test plays its pod."""

from __future__ import annotations

import pytest

from kubelab.client import CONFIG_MAPS, DEPLOYMENTS, EVENTS, EXPERIMENTS, TRIALS, Object
from kubelab.engine.controllers.dbmanager import controller as dbmanager
from kubelab.engine.controllers.dbmanager.objects import NAME, NAMESPACE
from tests.unit.engine.controllers.lab import Lab
from tests.unit.engine.controllers.sweep_world import SweepWorld, trial_of
from tests.unit.engine.controllers.sweeps import experiment

PUSH = {"collector": {"kind": "Push"}}


@pytest.fixture
def world(lab: Lab) -> SweepWorld:
    return SweepWorld(lab)


async def deployed(lab: Lab, replicas: int) -> Object:
    """Wait for a number of replicas."""

    def holds(found: dict[str, Object]) -> Object | None:
        manager = found.get(NAME)
        return manager if manager and manager["spec"]["replicas"] == replicas else None

    manager: Object = await lab.until(DEPLOYMENTS, holds, namespace=NAMESPACE)
    return manager


async def test_trials_that_push_wait_for_the_db_manager(world: SweepWorld) -> None:
    lab = world.lab
    await world.create(experiment(maxTrialCount=1, parallelTrialCount=1, metricsCollectorSpec=PUSH))
    await deployed(lab, 1)
    await lab.condition(EXPERIMENTS, "sweep", "Created")
    assert (await lab.client.list(TRIALS, "default")).items == []
    await world.start_db_manager()
    (pod,) = await world.pods_of_trials(1)
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert folder in [each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]]
    history = f"{trial_of(pod)}-observations"
    await lab.until(CONFIG_MAPS, lambda found: history in found)


async def test_it_is_scaled_to_none_for_others_and_with_the_last_experiment(world: SweepWorld) -> None:
    lab = world.lab
    await world.create(experiment())
    await deployed(lab, 0)
    await lab.client.patch(DEPLOYMENTS, NAME, {"spec": {"replicas": 1}}, NAMESPACE)
    await world.start_db_manager()
    await lab.client.delete(EXPERIMENTS, "sweep", "default")
    await deployed(lab, 0)


async def test_a_db_manager_of_katibs_own_is_left_alone(world: SweepWorld) -> None:
    lab = world.lab
    await world.create(experiment())
    manager = await deployed(lab, 0)
    labels = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}, "spec": {"replicas": 1}}
    await lab.client.patch(DEPLOYMENTS, NAME, labels, NAMESPACE)
    await lab.client.delete(EXPERIMENTS, "sweep", "default")
    await lab.gone(EXPERIMENTS, "sweep")
    await world.create(experiment("other", metricsCollectorSpec=PUSH))
    await lab.condition(EXPERIMENTS, "other", "Created")
    found = await deployed(lab, 1)
    assert found["spec"]["template"] == manager["spec"]["template"]


async def test_without_grpcio_it_is_said_how_to_install_it(
    world: SweepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbmanager, "find_spec", lambda name: None)
    await world.create(experiment(metricsCollectorSpec=PUSH))
    await world.pods_of_trials(1)

    def told(found: dict[str, Object]) -> bool:
        return any("pip install 'kubelab[grpc]'" in each["message"] for each in found.values())

    await world.lab.until(EVENTS, told)
    assert (await world.lab.client.list(DEPLOYMENTS)).items == []
