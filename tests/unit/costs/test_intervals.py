"""When nodes were there and pods had what they asked for."""

from kubelab.costs.intervals import node_interval, pod_interval
from kubelab.costs.rates import Resources
from kubelab.owners import Owner
from tests.unit.costs.objects import at, node, pod


def test_a_node_is_there_from_its_creation() -> None:
    found = node_interval(node(since=1, gpus=2), at(5))
    assert (found.start, found.end) == (at(1), at(5))
    assert found.capacity == Resources(10, 10, 2)
    assert found.instance_type == "test.large"


def test_a_pod_runs_until_its_last_container_ended() -> None:
    found = pod_interval(pod("a", since=1, ended=3), at(5))
    assert found is not None
    assert (found.start, found.end) == (at(1), at(3))
    assert found.held == Resources(1, 1, 0)


def test_use_beyond_the_requests_counts_on_average() -> None:
    greedy = pod("a", cpu="1", memory="1Gi", ended=4)
    greedy["metadata"]["annotations"] = {
        "simulated.kubelab.dev/usage": f"[[0, 500, {2**29}], [3600, 3000, {2**31}], [7200, 0, 0]]"
    }
    found = pod_interval(greedy, at(5))
    assert found is not None
    # one hour below the requests, one at 3 cores and 2 GiB, two below again
    assert found.held == Resources((1 + 3 + 1 + 1) / 4, (1 + 2 + 1 + 1) / 4)


def test_constant_use_below_the_requests_changes_nothing() -> None:
    modest = pod("a", cpu="1", memory="1Gi")
    modest["metadata"]["annotations"] = {"simulated.kubelab.dev/cpu": "250m"}
    found = pod_interval(modest, at(5))
    assert found is not None
    assert found.held == Resources(1, 1)


def test_a_pod_that_goes_on_counts_until_now() -> None:
    found = pod_interval(pod("a", since=1), at(5))
    assert found is not None
    assert found.end == at(5)


def test_a_pod_whose_image_cannot_be_pulled_costs_nothing() -> None:
    assert pod_interval(pod("a", started=False), at(5)) is None


def test_a_pod_without_a_node_costs_nothing() -> None:
    pending = pod("a")
    del pending["spec"]["nodeName"]
    assert pod_interval(pending, at(5)) is None


def test_a_replica_sets_pod_belongs_to_its_deployment() -> None:
    labels = {"pod-template-hash": "7d9f", "team": "a"}
    found = pod_interval(pod("web-7d9f-x", owner=("ReplicaSet", "web-7d9f"), labels=labels), at(1))
    assert found is not None
    assert found.owner == Owner(kind="Deployment", controller="web")
    assert found.labels == {"team": "a"}


def test_a_trials_pod_belongs_to_its_job_and_sweep() -> None:
    labels = {
        "jobset.sigs.k8s.io/jobset-name": "sweep-b2x",
        "batch.kubernetes.io/job-name": "sweep-b2x-node-0",
        "katib.kubeflow.org/trial": "sweep-b2x",
        "katib.kubeflow.org/experiment": "sweep",
    }
    assert Owner.of(pod("a", owner=("Job", "sweep-b2x-node-0"), labels=labels)) == Owner(
        kind="Job", controller="sweep-b2x-node-0", job="sweep-b2x", trial="sweep-b2x", sweep="sweep"
    )
