"""Candidates of the shipped catalogue, and pods, for tests of advice."""

from __future__ import annotations

from dataclasses import replace

from kubelab.autoscaling.advisor import Candidate
from kubelab.autoscaling.builders import node_group
from kubelab.autoscaling.catalogue.catalogue import shipped
from kubelab.autoscaling.node_group import NodeGroup, node_of
from kubelab.client import Object
from kubelab.scheduling.snapshot import Node, NodeInfo, PodInfo
from tests.unit.scheduling.objects import cluster, pod


def candidate(name: str, *daemons: Object) -> Candidate:
    fresh = NodeInfo(Node.of(node_of(NodeGroup.of(node_group("new", name), shipped()), "new"), 0))
    for each in daemons:
        fresh = fresh.plus(cluster().info(each))
    return Candidate(shipped()[name], "on-demand", shipped()[name].on_demand, fresh)


def pods(count: int, **requests: str) -> list[PodInfo]:
    info = cluster().info(pod(**requests))
    return [replace(info, name=f"{info.name}-{at}", uid=f"{info.uid}-{at}") for at in range(count)]
