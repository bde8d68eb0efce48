import pytest

from kubelab.client import Object
from kubelab.scheduling.requests import pod_requests


def container(cpu: str = "", memory: str = "", **more: str) -> Object:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"resources": {"requests": requests}, **more}


@pytest.mark.parametrize(
    ("spec", "requests"),
    [
        ({"containers": [container("250m", "64Mi"), container("1")]}, {"cpu": 1250, "memory": 64 * 2**20}),
        (
            {"containers": [container("1")], "initContainers": [container("2"), container("1500m")]},
            {"cpu": 2000},
        ),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("1", restartPolicy="Always"), container("2")],
            },
            {"cpu": 3000},
        ),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("2"), container("1", restartPolicy="Always")],
            },
            {"cpu": 2000},
        ),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "3"}}}, {"cpu": 3000}),
        ({"containers": [container("1")], "overhead": {"cpu": "100m"}}, {"cpu": 1100}),
        ({"containers": [container()]}, {}),
    ],
    ids=["sum", "init peak", "sidecar first", "sidecar last", "pod level", "overhead", "nothing"],
)
def test_requests_of_a_pod_are_summed_as_upstream_does(spec: Object, requests: dict[str, int]) -> None:
    assert pod_requests(spec) == requests


def test_a_container_that_asks_for_nothing_counts_with_upstreams_defaults_in_scores() -> None:
    spec = {"containers": [container(), container("1")]}
    assert pod_requests(spec, nonzero=True) == {"cpu": 1100, "memory": 2 * 200 * 2**20}
