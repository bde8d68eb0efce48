"""What a node group offers to pods."""

import pytest

from kubelab.autoscaling.builders import node_group
from kubelab.autoscaling.catalogue.catalogue import shipped
from kubelab.autoscaling.lower_bound.offers import Offer, UnpricedError
from kubelab.autoscaling.node_group import NodeGroup


def test_daemon_sets_take_their_part_of_every_node() -> None:
    group = NodeGroup.of(node_group("general", "m6i.2xlarge", min_size=1, max_size=5), shipped())
    bare, taxed = Offer.of(group), Offer.of(group, [{"cpu": 200}, {"cpu": 100, "memory": 1024}])
    assert bare.free["cpu"] - taxed.free["cpu"] == 300
    assert bare.free["memory"] - taxed.free["memory"] == 1024
    assert bare.free["pods"] - taxed.free["pods"] == 2
    assert (taxed.least, taxed.most, taxed.usd_per_hour) == (1, 5, 0.384)


def test_group_without_a_price_cannot_be_bounded() -> None:
    spec = {"template": {"capacity": {"cpu": "4", "memory": "8Gi"}}}
    group = NodeGroup.of({"metadata": {"name": "own"}, "spec": spec}, shipped())
    with pytest.raises(UnpricedError, match="own"):
        Offer.of(group)
