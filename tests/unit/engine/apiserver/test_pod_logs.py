import pytest

from kubelab.client import Object
from kubelab.engine.apiserver.pod_logs import container_of
from kubelab.errors import ApiError

COLLECTOR = "metrics-logger-and-collector"


def pod(*containers: str, trial: bool = True, default: str = "", init: tuple[str, ...] = ()) -> Object:
    labels = {"katib.kubeflow.org/trial": "sweep-abcdefgh"} if trial else {}
    annotations = {"kubectl.kubernetes.io/default-container": default} if default else {}
    return {
        "metadata": {"name": "pod", "labels": labels, "annotations": annotations},
        "spec": {
            "containers": [{"name": name} for name in containers],
            "initContainers": [{"name": name} for name in init],
        },
    }


def test_katibs_metrics_collector_of_a_trial_is_answered_by_its_primary_container() -> None:
    assert container_of(pod("main"), COLLECTOR) == "main"
    assert container_of(pod("other", "node", default="node"), COLLECTOR) == "node"


def test_a_sidecar_of_that_name_answers_itself() -> None:
    assert container_of(pod("main", init=(COLLECTOR,)), COLLECTOR) == COLLECTOR


def test_only_trials_have_a_metrics_collector() -> None:
    with pytest.raises(ApiError, match=f"container {COLLECTOR} is not valid for pod pod"):
        container_of(pod("main", trial=False), COLLECTOR)
