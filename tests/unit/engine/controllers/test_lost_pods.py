from typing import Any

import pytest

from kubelab.client import PODS, Object
from kubelab.engine.controllers import lost_pods
from kubelab.engine.controllers.lost_pods import lost_status
from tests.unit.engine.controllers.lab import Lab
from tests.unit.engine.controllers.objects import START


def test_a_lost_pod_has_failed_and_says_why() -> None:
    status = lost_status({"status": {"phase": "Running"}}, START)
    assert status["phase"] == "Failed"
    assert status["conditions"][0]["reason"] == "DeletionByPodGC"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_had_ended_keeps_its_end(phase: str) -> None:
    assert lost_status({"status": {"phase": phase}}, START) == {}


async def test_pods_of_a_node_that_is_gone_are_deleted(lab: Lab, monkeypatch: Any) -> None:
    monkeypatch.setattr(lost_pods, "QUARANTINE", lost_pods.QUARANTINE * 0)
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lost", "namespace": "default"},
        "spec": {"nodeName": "gone", "containers": [{"name": "main", "image": "busybox"}]},
    }
    await lab.client.create(PODS, pod)
    await lab.gone(PODS, "lost")
