"""``most-pods`` and ``least-nodes``: compare counts."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.autoscaling.choice import Choice, Situation, Term
from kubelab.autoscaling.expanders.ranking import Weighed, counted, lowest
from kubelab.autoscaling.option import Option


class MostPods:
    """Keeps the options that take the most pods (``expander/mostpods``)."""

    name = "most-pods"

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Rank by how many pods an option takes."""
        del situation
        return lowest(self.name, [_by_pods(option) for option in options], _more_pods)


def _by_pods(option: Option) -> Weighed:
    count = len(option.pods)
    return Weighed(option, -count, (Term("pods", count),), f"it takes {counted(count, 'pod')}")


def _more_pods(weighed: Weighed, best: float) -> str:
    return f"must take more than {counted(int(-best), 'pod')} (it takes {len(weighed.option.pods)})"


class LeastNodes:
    """Keeps the options that need the fewest nodes (``expander/leastnodes``)."""

    name = "least-nodes"

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Rank by how many nodes an option needs."""
        del situation
        return lowest(self.name, [_by_nodes(option) for option in options], _fewer_nodes)


def _by_nodes(option: Option) -> Weighed:
    count = option.node_count
    return Weighed(option, count, (Term("nodes", count),), f"it needs {counted(count, 'node')}")


def _fewer_nodes(weighed: Weighed, best: float) -> str:
    return f"must need fewer than {counted(int(best), 'node')} (it needs {weighed.option.node_count})"
