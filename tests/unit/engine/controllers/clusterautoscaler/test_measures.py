"""The loop's numbers as Prometheus reads them."""

from __future__ import annotations

from kubelab.autoscaling.status import Counts, GroupState
from kubelab.engine.controllers.clusterautoscaler.measures import LoopMeasures
from kubelab.engine.measures import Measures


def test_numbers_have_upstreams_names_and_labels() -> None:
    measures = Measures()
    loop = LoopMeasures(measures)
    loop.groups = [GroupState("general", Counts(ready=2, not_started=1), 3, 1, 9, upcoming=0, candidates=1)]
    loop.unschedulable = 4
    loop.scaled_up.value += 3
    loop.scaled_down("empty")
    loop.failed("OutOfCapacity")
    with loop.timed("main"):
        pass
    text = measures.text()
    for line in (
        'cluster_autoscaler_nodes_count{state="ready"} 2',
        'cluster_autoscaler_nodes_count{state="notStarted"} 1',
        'cluster_autoscaler_unschedulable_pods_count{type="unschedulable"} 4',
        "cluster_autoscaler_scaled_up_nodes_total 3",
        'cluster_autoscaler_scaled_down_nodes_total{reason="empty"} 1',
        'cluster_autoscaler_failed_scale_ups_total{reason="OutOfCapacity"} 1',
        'cluster_autoscaler_node_group_target_count{node_group="general"} 3',
        "cluster_autoscaler_unneeded_nodes_count 1",
        'cluster_autoscaler_function_duration_seconds_count{function="main"} 1',
    ):
        assert line in text.splitlines()
