"""Sweeps on a cluster whose Experiments Katib itself runs: only what it can run is handed over."""

from __future__ import annotations

from typing import Any

import pytest

from kubelab import portal
from kubelab.client import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EXPERIMENTS,
    NAMESPACES,
    TRAINING_RUNTIMES,
    Client,
    Object,
)
from kubelab.errors import ApiError, KubelabError
from kubelab.sweeps import SweepError
from kubelab.sweeps.katib import INJECTION, is_upstream
from kubelab.sweeps.launch import launch
from kubelab.tuning import choice, log, when
from tests.unit.conftest import JobWorld

LABELS = {"katib.kubeflow.org/component": "controller"}
CONTROLLER: Object = {
    "metadata": {"name": "katib-controller", "labels": LABELS},
    "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "containers": [
                    {
                        "name": "katib-controller",
                        "image": "ghcr.io/kubeflow/katib/katib-controller:v0.19.0",
                    }
                ]
            },
        },
    },
}


PBT = {"suggestion_trial_dir": "/ckpt", "n_population": 5, "truncation_threshold": 0.2}


def train(lr: float = 0.1, kind: str = "a") -> None:
    """Do nothing."""


@pytest.fixture
def client(world: JobWorld) -> Client:
    return world.client


@pytest.fixture
def katib(client: Client) -> Client:
    """A cluster with Katib, in whose namespace ``default`` it collects metrics."""
    portal.run(client.create(NAMESPACES, {"metadata": {"name": "kubeflow"}}))
    portal.run(client.create(DEPLOYMENTS, CONTROLLER, "kubeflow"))
    label(client, "enabled")
    return client


def label(client: Client, value: str | None) -> None:
    portal.run(client.patch(NAMESPACES, "default", {"metadata": {"labels": {INJECTION: value}}}))


def sweep(client: Client, **options: Any) -> Any:
    return launch(client, "default", train, **{"space": {"lr": log(1e-3, 1)}, "objective": "loss", **options})


def test_the_same_experiment_is_handed_to_katib(katib: Client) -> None:
    made = sweep(katib, stopping="medianstop", name="digits")
    (found,) = portal.run(katib.list(EXPERIMENTS)).items
    assert found["metadata"]["name"] == made.name
    trial = found["spec"]["trialTemplate"]["trialSpec"]
    assert "name" not in trial["metadata"]
    assert trial["kind"] == "TrainJob"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"algorithm": "asha"}, "Katib cannot run this: it has no algorithm asha. Use random"),
        (
            {"space": {"kind": choice("a", "b"), "lr": when(log(1e-3, 1), kind="a")}},
            "lr depends on other parameters",
        ),
        ({"stopping": "asha"}, "it has no early stopping asha"),
        (
            {"stopping": "hyperband", "stopping_settings": {"max_resource": 9}},
            "it has no early stopping hyperband",
        ),
        ({"algorithm": "pbt", "settings": PBT}, "its pbt hands on checkpoints in a volume"),
        ({"kind": "JAXJob"}, "its trials cannot be JAXJobs. Use kind='TrainJob'"),
    ],
)
def test_what_katib_cannot_run_is_refused_before_anything_is_created(
    katib: Client, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(KubelabError, match=said):
        sweep(katib, **options)
    made = [
        each
        for resource in (EXPERIMENTS, TRAINING_RUNTIMES, CONFIG_MAPS)
        for each in portal.run(katib.list(resource, "default")).items
        if each["metadata"]["name"] != "kube-root-ca.crt"
    ]
    assert made == []


def test_a_namespace_without_metrics_is_refused_with_the_command_that_labels_it(katib: Client) -> None:
    label(katib, None)
    with pytest.raises(SweepError, match=f"kubectl label namespace default {INJECTION}=enabled"):
        sweep(katib)
    label(katib, "disabled")
    with pytest.raises(SweepError, match="collects no metrics in namespace 'default'"):
        sweep(katib)


def test_kubelabs_own_controllers_are_asked_for_all_that_they_can(client: Client) -> None:
    assert not portal.run(is_upstream(client))
    sweep(client, algorithm="asha").pause().resume().stop()


def test_katib_cannot_pause_or_stop_and_this_is_said(katib: Client) -> None:
    made = sweep(katib)
    for order in (made.pause, made.resume, made.stop):
        with pytest.raises(SweepError, match="Katib, which cannot pause, resume or stop"):
            order()


def test_who_may_not_look_is_taken_to_be_on_a_cluster_with_katib(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(*args: object, **options: object) -> None:
        raise ApiError({"code": 403, "reason": "Forbidden", "message": "you may not"})

    monkeypatch.setattr(Client, "list", forbidden)
    assert portal.run(is_upstream(client))
