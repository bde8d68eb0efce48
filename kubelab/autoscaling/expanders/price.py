"""``price``: upstream's weighing of a node's price against what its pods would cost, and against its size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kubelab.autoscaling.choice import Choice, Situation, Term
from kubelab.autoscaling.expanders.ranking import Weighed, below, counted, lowest
from kubelab.autoscaling.option import Option, Template
from kubelab.costs.prices import Price, Prices
from kubelab.scheduling.requests import Amounts

CPU_USD_PER_HOUR = 0.033174
MEMORY_USD_PER_GIB_HOUR = 0.004446
GPU_USD_PER_HOUR = 0.700
"""What pods are held to cost by what they ask for: ``cloudprovider/gce/gce_price_model.go``."""

GIB = 1024**3
STABILIZATION_USD_PER_HOUR = 0.5 * CPU_USD_PER_HOUR + 500 / 1024 * MEMORY_USD_PER_GIB_HOUR
"""The price of a pod of 500m and 500 MiB, which keeps small prices from deciding."""

GPU_UNFITNESS = 1000.0
NOT_EXIST_COEFFICIENT = 2.0
PREFERRED_CPUS = ((2, 1), (6, 2), (20, 4), (60, 8), (200, 16))
LARGEST_PREFERRED_CPUS = 32
"""CPUs of the preferred node, by how many nodes the cluster has at most (``expander/price/preferred.go``)."""


class LeastPrice:
    """Keeps the options of the lowest score S (``expander/price``).

    S = price · size, where price = (nodes + stab) / (pods + stab) in USD for an hour, and size =
    (unfit - 1)(1 - tanh((n - 1) / 15)) + 1 with unfit = how many times the node's CPUs are more or fewer than
    those of the preferred node; 1000 for nodes with GPUs; doubled if the group does not exist yet.

    Parameters
    ----------
    prices : Prices
        Options without a price lose to those that have one.
    """

    name = "price"

    def __init__(self, prices: Prices) -> None:
        self.prices = prices

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Rank by S."""
        return lowest(self.name, [self._weigh(option, situation) for option in options], self._cheaper)

    def _weigh(self, option: Option, situation: Situation) -> Weighed:
        price = self.prices.of(option.template.labels)
        if price is None:
            return Weighed(option, None, (), f"no price is known of {kind(option)}")
        pods = pods_usd_per_hour(option)
        ratio = _ratio(price.usd_per_hour * option.node_count, pods)
        size, preferred = _size_factor(option, situation.nodes), preferred_cpus(situation.nodes)
        created = 1.0 if option.exists else NOT_EXIST_COEFFICIENT
        terms = (
            price_term(price),
            Term("nodes", option.node_count),
            Term("pods at list price", pods, "USD/h", "what its pods ask for, at upstream's rates"),
            Term("price ratio", ratio),
            Term("size factor", size, "", f"the preferred node has {counted(preferred, 'CPU')}"),
            Term("creation factor", created),
        )
        score = ratio * size * created
        why = f"it scores {score:.4g} = {ratio:.4g} (price) x {size:.4g} (size)"
        return Weighed(option, score, terms, why if option.exists else f"{why} x 2 (to be created)")

    def _cheaper(self, weighed: Weighed, best: float) -> str:
        option, price = weighed.option, self.prices.of(weighed.option.template.labels)
        if price is None or weighed.rank is None:
            return "needs a price"
        stab, pods = STABILIZATION_USD_PER_HOUR, pods_usd_per_hour(option)
        factor = weighed.rank / _ratio(price.usd_per_hour * option.node_count, pods)
        limit = (best / factor * (pods + stab) - stab) / option.node_count
        if limit <= 0:
            free = below(factor * _ratio(0, pods))
            return f"cannot by price: even for nothing it would score {free}, not less than {below(best)}"
        return f"must cost less than {below(limit)} USD/h a node (it costs {price})"


def price_term(price: Price) -> Term:
    """Return a node's price as a term."""
    source = f", {price.source}" if price.source else ""
    return Term("price", price.usd_per_hour, "USD/h", f"price of {price.date}{source}")


def preferred_cpus(nodes: int) -> int:
    """Return the CPUs of the node that upstream prefers in a cluster of so many nodes."""
    return next((cpus for limit, cpus in PREFERRED_CPUS if nodes <= limit), LARGEST_PREFERRED_CPUS)


def pods_usd_per_hour(option: Option) -> float:
    """Return what an option's pods would cost by what they ask for."""
    requests = option.requests
    return (
        requests.get("cpu", 0) / 1000 * CPU_USD_PER_HOUR
        + requests.get("memory", 0) / GIB * MEMORY_USD_PER_GIB_HOUR
        + gpus(requests) * GPU_USD_PER_HOUR
    )


def gpus(amounts: Amounts) -> int:
    """Return how many GPUs there are, of any vendor."""
    return sum(value for name, value in amounts.items() if name.endswith("/gpu"))


def _ratio(nodes_usd: float, pods_usd: float) -> float:
    return (nodes_usd + STABILIZATION_USD_PER_HOUR) / (pods_usd + STABILIZATION_USD_PER_HOUR)


def _size_factor(option: Option, nodes: int) -> float:
    if gpus(option.template.capacity):
        return GPU_UNFITNESS
    return (_unfitness(option.template, nodes) - 1) * (1 - math.tanh((option.node_count - 1) / 15)) + 1


def _unfitness(template: Template, nodes: int) -> float:
    cpus, preferred = template.capacity.get("cpu", 0) / 1000, preferred_cpus(nodes)
    return max(preferred / cpus, cpus / preferred) if cpus else GPU_UNFITNESS


def kind(option: Option) -> str:
    """Return what an option's nodes are called."""
    return option.template.instance_type or "a node without an instance type"
