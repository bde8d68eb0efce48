"""A cluster that has nothing of Kubeflow: jobs of two real processes run as Indexed Jobs all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from kubelab import Cluster, clock, portal, training
from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    SERVICES,
    STORAGE_CLASSES,
)
from kubelab.errors import NotFoundError
from kubelab.training import JobFailedError, LaunchError
from tests.conftest import own_cluster

SMALL = {"cpu": "500m", "memory": "1Gi"}
TIMEOUT_S = 120.0


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without custom kinds, reached by its kubeconfig as any other."""
    with (
        own_cluster(tmp_path_factory.mktemp("lab"), "plain") as lab,
        Cluster.from_context(kubeconfig=lab.kubeconfig) as cluster,
    ):
        portal.run(_remove_custom_kinds(cluster))
        yield cluster


async def _remove_custom_kinds(cluster: Cluster) -> None:
    for definition in (await cluster.client.list(CUSTOM_RESOURCE_DEFINITIONS)).items:
        await cluster.client.delete(CUSTOM_RESOURCE_DEFINITIONS, definition["metadata"]["name"])


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = clock.monotonic() + TIMEOUT_S
    while clock.monotonic() < deadline:
        if found := condition():
            return found
    raise AssertionError(f"never happened: {what}")


def total(steps: int = 4, hold: bool = False, fail: bool = False) -> float:
    """Add up the ranks of all processes, on each step."""
    import os
    import time

    import jax.numpy as jnp
    from jax.experimental import multihost_utils

    run = training.context()
    print("coordinator", os.environ["JAX_COORDINATOR_ADDRESS"])
    start = 0
    state = run.replicate(jnp.zeros(1))
    if (found := run.restore(state)) is not None:
        state, start = found
    for step in range(start + 1, steps + 1):
        ranks = multihost_utils.process_allgather(jnp.array([float(run.rank + 1)]))
        training.report(step=step, loss=float(ranks.sum()))
        if run.should_save(step):
            run.save(step, state)
        if fail and run.rank == 1:
            raise ValueError("an unlucky step")
        while hold and start == 0 and step == 3:
            time.sleep(0.5)
    return float(state.addressable_data(0).sum())


def exists(cluster: Cluster, resource: Any, name: str) -> bool:
    try:
        portal.run(cluster.client.get(resource, name, cluster.namespace))
    except NotFoundError:
        return False
    return True


def test_job_of_two_processes_runs_and_the_handle_tells_of_it(plain: Cluster) -> None:
    job = plain.train(total, resources=SMALL, checkpoint_every=2)
    assert job.kind == "Job"
    job.wait(TIMEOUT_S, progress=False)
    assert repr(job) == f"<Job {job.name}: Succeeded, step 4/4>"
    assert f"coordinator {job.name}-0.{job.name}:29500" in job.logs(1)
    losses = job.metrics().query("name == 'loss'")
    assert sorted(zip(losses["rank"], losses["step"], losses["value"], strict=True)) == [
        (rank, step, 3.0) for rank in (0, 1) for step in (1, 2, 3, 4)
    ]
    objects = set(job.events()["object"])
    assert f"Job/{job.name}" in objects
    assert {name.rpartition("-")[0] for name in objects} >= {f"Pod/{job.name}-{rank}" for rank in (0, 1)}
    assert job.explain() == f"Job {job.name} succeeded."
    assert [each.name for each in plain.jobs()] == [job.name]
    again = plain.job(job.name)
    assert (again.kind, again.status) == ("Job", "Succeeded")
    job.stop()
    assert not plain.jobs()
    for resource, name in (
        (SERVICES, job.name),
        (CONFIG_MAPS, f"{job.name}-code"),
        (PERSISTENT_VOLUME_CLAIMS, f"{job.name}-checkpoints"),
    ):
        assert not exists(plain, resource, name)


def test_suspended_job_goes_on_from_its_checkpoint(plain: Cluster) -> None:
    job = plain.train(total, args={"steps": 4, "hold": True}, resources=SMALL, checkpoint_every=2)
    until(lambda: len(job.metrics().query("step == 3 and name == 'loss'")) == 2, "both ranks at step 3")
    job.suspend()
    until(lambda: job.status == "Suspended" and not job.view().pods, "suspended")
    job.resume()
    job.wait(TIMEOUT_S, progress=False)
    assert job.view().step == 4
    job.stop()


def test_function_that_raises_fails_the_job_and_is_shown(plain: Cluster) -> None:
    job = plain.train(total, args={"fail": True}, resources=SMALL, checkpoint_every=None)
    with pytest.raises(JobFailedError, match="an unlucky step") as caught:
        job.wait(TIMEOUT_S, progress=False)
    assert caught.value.rank == 1
    job.stop()


def test_manifest_runs_the_job_again_elsewhere(plain: Cluster) -> None:
    job = plain.train(total, resources=SMALL, checkpoint_every=None)
    job.wait(TIMEOUT_S, progress=False)
    documents = [*yaml.safe_load_all(job.manifest(code=True))]
    assert {each["kind"] for each in documents} == {"ConfigMap", "Service", "Job"}
    name, namespace = job.name, plain.namespace
    job.stop()
    for body in documents:
        body["metadata"]["namespace"] = namespace
        resource = {"ConfigMap": CONFIG_MAPS, "Service": SERVICES, "Job": JOBS}[body["kind"]]
        portal.run(plain.client.create(resource, body))
    again = plain.job(name)
    again.wait(TIMEOUT_S, progress=False)
    for resource, left in ((JOBS, name), (SERVICES, name), (CONFIG_MAPS, f"{name}-code")):
        portal.run(plain.client.delete(resource, left, namespace, propagation="Background"))


def test_nothing_cluster_wide_is_made(plain: Cluster) -> None:
    assert portal.run(plain.client.list(CUSTOM_RESOURCE_DEFINITIONS)).items == []
    with pytest.raises(NotFoundError):
        portal.run(plain.client.list(CLUSTER_TRAINING_RUNTIMES))


def test_capabilities_say_what_is_missing_and_how_to_install_it(plain: Cluster) -> None:
    found = plain.capabilities()
    assert found.kubernetes.version.startswith("v1.")
    missing = [found.trainer, found.jobset, found.katib, found.training_operator]
    assert {each.state for each in missing} == {"missing"}
    assert found.trainer.note.startswith("kubectl apply")


def test_job_that_kubelab_did_not_make_is_left_alone(plain: Cluster) -> None:
    container = {"name": "main", "image": "python", "command": ["true"]}
    template = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    head = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "other", "namespace": "default"}}
    portal.run(plain.client.create(JOBS, {**head, "spec": {"template": template}}))
    assert plain.jobs() == []
    with pytest.raises(NotFoundError):
        plain.job("other")


def test_checkpoints_without_a_default_class_are_refused_before_anything_is_made(plain: Cluster) -> None:
    classes = portal.run(plain.client.list(STORAGE_CLASSES)).items
    for each in classes:
        portal.run(plain.client.delete(STORAGE_CLASSES, each["metadata"]["name"]))
    with pytest.raises(LaunchError, match=r"no default StorageClass.*checkpoint_every=None"):
        plain.train(total, name="nowhere", resources=SMALL)
    assert not exists(plain, CONFIG_MAPS, "nowhere-code")
