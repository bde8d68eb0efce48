"""What a cell asks about requests and limits: what they should be, and to change them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubelab import portal
from kubelab.client import NODES, PODS
from kubelab.errors import KubelabError
from kubelab.verbs.usage import UsageVerbs

if TYPE_CHECKING:
    from kubelab.costs.prices import Prices
    from kubelab.rightsizing.plan import AppliedChanges, Proposal
    from kubelab.usage.series import UsageSource


class RightsizingVerbs(UsageVerbs):
    """The verbs about requests and limits."""

    def rightsize(
        self,
        strategy: str = "adaptive",
        *,
        scope: str | None = None,
        daemonset: str | None = None,
        namespace: str | None = None,
        window: timedelta | None = None,
        recheck: timedelta = timedelta(days=1),
        source: UsageSource | None = None,
        prices: Prices | None = None,
    ) -> Proposal:
        """Return what a strategy recommends for the containers that run, beside what they ask for and use.

        Parameters
        ----------
        strategy : str
            One of `kubelab.rightsizing.strategies.STRATEGIES`.
        scope : str, optional
            A label of nodes, such as ``kubernetes.io/hostname``: DaemonSets' pods on nodes of different
            values are sized apart. Other workloads are left out then, as their pods can move.
        daemonset : str, optional
            Only the DaemonSet of this name.
        namespace : str, optional
            Only this one; all unless given.
        window : timedelta, optional
            How much use counts; as much as the strategy looks at unless given.
        recheck : timedelta
            How soon you will ask again: what the adaptive strategies recommend has to hold until then.
        source : UsageSource, optional
            Who knows what was used, such as ``PrometheusUsage("http://localhost:9090")`` of
            `kubelab.usage.prometheus`; `usage_source` unless given.
        prices : Prices, optional
            What nodes cost that do not say it in their annotations; the catalogue's unless given, and
            OpenCost's default sheet for nodes that it does not know.

        Raises
        ------
        KubelabError
            If there is no such strategy, the window is no time, or the user's price file is wrong.
        """
        from kubelab.autoscaling.catalogue import Catalogue
        from kubelab.rightsizing.containers import container_groups
        from kubelab.rightsizing.plan import Proposal, Reach
        from kubelab.rightsizing.rightsizing import rightsize
        from kubelab.rightsizing.strategies import strategy_of

        chosen, now, nodes = strategy_of(strategy), self._now(), self._list(NODES)
        length_s = chosen.lookback_s if window is None else window.total_seconds()
        if length_s <= 0:
            raise KubelabError(f"a window of {length_s:g} seconds is no time. Give one such as days=7.")
        usage = portal.run(
            (source or self.usage_source()).read(now - timedelta(seconds=length_s), now, namespace=namespace)
        )
        groups = [
            each
            for each in container_groups(self._list(PODS, namespace), nodes=nodes, scope=scope)
            if (scope is None and daemonset is None) or each.key.controller_kind == "DaemonSet"
            if daemonset in {None, each.key.controller_name}
        ]
        found = rightsize(
            chosen,
            groups,
            usage,
            nodes=nodes,
            prices=prices or Catalogue.load(),
            until=now.timestamp() + 1,
            lookback_s=length_s,
            recheck_s=recheck.total_seconds(),
            scope=scope or "",
        )
        return Proposal(
            found.strategy,
            found.scope,
            found.rows,
            found.missing if groups else (*found.missing, _nothing(namespace, daemonset)),
            reach=Reach(self.client, self._now),
        )

    def rightsized(self, namespace: str | None = None) -> AppliedChanges:
        """Return what plans changed and nobody undid; it can still be undone."""
        from kubelab.rightsizing.plan import AppliedChanges, Reach
        from kubelab.rightsizing.survey import read_applied

        applied = portal.run(read_applied(self.client, namespace))
        return AppliedChanges(Reach(self.client, self._now), tuple(applied))


def _nothing(namespace: str | None, daemonset: str | None) -> str:
    whose = f" of a DaemonSet {daemonset!r}" if daemonset else ""
    return f"no pod{whose} runs" + (f" in namespace {namespace!r}" if namespace else "")
