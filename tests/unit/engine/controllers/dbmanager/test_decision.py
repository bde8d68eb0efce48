from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.controllers.dbmanager.decision import decide
from kubelab.engine.controllers.dbmanager.objects import command, command_of, deployment

URL = "https://127.0.0.1:6443"


def experiment(kind: str, **metadata: str) -> Object:
    return {"metadata": metadata, "spec": {"metricsCollectorSpec": {"collector": {"kind": kind}}}}


def running(replicas: int) -> Object:
    return deployment(URL, replicas)


@pytest.mark.parametrize(
    ("experiments", "found", "create", "replicas"),
    [
        ([], None, False, None),
        ([experiment("StdOut")], None, True, 0),
        ([experiment("StdOut"), experiment("Push")], None, True, 1),
        ([experiment("Push")], running(0), False, 1),
        ([experiment("Push")], running(2), False, None),
        ([experiment("StdOut")], running(1), False, None),
        ([experiment("StdOut")], running(0), False, None),
        ([], running(1), False, 0),
        ([], running(0), False, None),
        ([experiment("Push", deletionTimestamp="2026-01-31T12:00:00Z")], running(1), False, 0),
    ],
)
def test_it_runs_while_trials_push_and_ends_with_the_last_experiment(
    experiments: list[Object], found: Object | None, create: bool, replicas: Any
) -> None:
    decision = decide(experiments, found)
    assert (decision.create, decision.replicas) == (create, replicas)


def test_its_pod_listens_at_its_own_address_only() -> None:
    found = deployment(URL, 1)
    assert command_of(found) == command(URL)
    assert "--address=$(POD_IP)" in command(URL)
    (probe,) = [each["readinessProbe"] for each in found["spec"]["template"]["spec"]["containers"]]
    assert probe["tcpSocket"] == {"port": 6789}
