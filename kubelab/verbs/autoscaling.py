"""What a cell asks of node groups and the autoscaler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from kubelab import portal
from kubelab.client import CLUSTER_AUTOSCALERS, NODE_GROUPS, SCALING_DECISIONS
from kubelab.errors import NotFoundError
from kubelab.node_template import FAKE_TAINT
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    import pandas as pd


class AutoscalingVerbs(Handle):
    """The verbs about node groups and the autoscaler."""

    def add_node_group(
        self,
        name: str,
        *,
        instance_type: str,
        min_size: int = 0,
        max_size: int = 1000,
        capacity_type: Literal["on-demand", "spot"] = "on-demand",
        zone: str = "",
        provisioning_delay_s: float = 60,
        available_nodes: int | None = None,
        interruptions_per_node_hour: float = 0,
        price_usd_per_hour: float | None = None,
        price_date: date | str | None = None,
        labels: Mapping[str, str] | None = None,
        taints: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Create a group of like nodes that a simulated provider makes and takes.

        On a simulated cluster pods go there as anywhere; elsewhere the nodes have KWOK's taint, so that what
        is meant to run stays off.

        Parameters
        ----------
        name : str
            The group's; its nodes have it with a number behind.
        instance_type : str
            By the catalogue's name: ``kubelab catalogue list`` shows them.
        min_size, max_size : int
            How many nodes there are at least and at most; it begins with ``min_size``.
        capacity_type : {"on-demand", "spot"}
            How nodes are bought.
        zone : str, optional
            The value of ``topology.kubernetes.io/zone``.
        provisioning_delay_s : float
            How long a node takes to come.
        available_nodes : int, optional
            How many the provider has; beyond it, it is out of capacity.
        interruptions_per_node_hour : float
            How often a spot node is taken back, on average.
        price_usd_per_hour, price_date : float and date, optional
            The price of one node and when it held, instead of the catalogue's.
        labels, taints
            Of its nodes, beside the usual ones.

        Raises
        ------
        KubelabError
            If the type is unknown or has no price, or the sizes contradict each other; nothing is created.
        """
        from kubelab.autoscaling.builders import node_group

        own = () if self.engine == "simulated" else (FAKE_TAINT,)
        group = node_group(
            name,
            instance_type,
            min_size=min_size,
            max_size=max_size,
            capacity_type=capacity_type,
            zone=zone,
            provisioning_delay_s=provisioning_delay_s,
            available_nodes=available_nodes,
            interruptions_per_node_hour=interruptions_per_node_hour,
            price_usd_per_hour=price_usd_per_hour,
            price_date=price_date,
            labels=labels,
            taints=(*own, *taints),
        )
        portal.run(self.client.create(NODE_GROUPS, group))

    def autoscale(
        self,
        expander: str = "least-waste",
        *,
        seed: int = 0,
        scale_down: Mapping[str, Any] | None = None,
        grpc_expander: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        """Let the autoscaler run over the node groups, or change what it does.

        Parameters
        ----------
        expander : str
            Who chooses among groups, as in Cluster Autoscaler's ``--expander``: random, most-pods,
            least-nodes, least-waste, price, priority, score, grpc; several, joined by commas, in turn.
        seed : int
            For lots that are drawn.
        scale_down : mapping, optional
            Such as ``{"enabled": True, "unneeded_s": 600, "delay_after_add_s": 600,
            "utilization_threshold": 0.5}``; with ``"consolidate": True`` nodes are also replaced by one that
            costs less, which Cluster Autoscaler does not do.
        grpc_expander : mapping, optional
            The service that the expander ``grpc`` asks: its ``url``, such as ``localhost:7000``, and its
            ``certificate`` as PEM text. ``kubelab expander serve`` runs one.
        **settings
            Such as ``max_nodes_total=100``, ``scan_interval_s=10``, ``balance_similar_node_groups=True``,
            ``max_node_provision_s=900``; for the expander grpc also
            ``grpc_expander={"url": "127.0.0.1:8086", "certificate": PEM}``.

        Raises
        ------
        KubelabError
            If there is no such expander or setting; nothing is changed.
        """
        from kubelab.autoscaling.builders import cluster_autoscaler

        body = cluster_autoscaler(
            expander, seed=seed, scale_down=scale_down, grpc_expander=grpc_expander, **settings
        )
        portal.run(self._put_autoscaler(body))

    def decisions(self) -> pd.DataFrame:
        """Return what the autoscaler decided, oldest first.

        Returns
        -------
        DataFrame
            time (UTC), action, expander, node_group, nodes, pods, usd_per_hour (what it commits to),
            price_date, options (list of dict: each one's terms) and why.
        """
        from kubelab.autoscaling.decisions import decisions_frame

        return decisions_frame(portal.run(self.client.list(SCALING_DECISIONS)).items)

    async def _put_autoscaler(self, body: dict[str, Any]) -> None:
        try:
            await self.client.get(CLUSTER_AUTOSCALERS, "default")
        except NotFoundError:
            await self.client.create(CLUSTER_AUTOSCALERS, body)
        else:
            await self.client.patch(CLUSTER_AUTOSCALERS, "default", {"spec": body["spec"]})
