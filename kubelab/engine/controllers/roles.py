"""Aggregated ClusterRoles: those whose rules are the rules of others with a label.

Upstream: ``pkg/controller/clusterroleaggregation``.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubelab.client import Object
from kubelab.engine.apiserver.selectors import matches
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.roles import CLUSTER_ROLES
from kubelab.informer import key_of


def aggregated_rules(role: Object, others: Iterable[Object]) -> list[Object]:
    """Return the rules of the roles that an aggregated role selects, each once, in order of their names."""
    rules: list[Object] = []
    found = sorted(others, key=lambda other: str(other["metadata"]["name"]))
    for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
        for other in found:
            if other["metadata"]["name"] == role["metadata"]["name"]:
                continue
            if matches(selector, other["metadata"].get("labels") or {}):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules


class RoleAggregationController(Controller):
    """Keeps the rules of every ClusterRole that has an aggregationRule."""

    name = "clusterrole-aggregation-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.roles = self.views.of(CLUSTER_ROLES)
        self.roles.index("aggregated", lambda role: ("yes",) if role.get("aggregationRule") else ())
        self.roles.index("all", lambda _role: ("yes",))
        self.roles.subscribe(self._changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one role's rules up to date."""
        role = self.roles.get(namespace, name)
        if role is None or not role.get("aggregationRule"):
            return None
        rules = aggregated_rules(role, self.roles.by_index("all", "yes"))
        if rules != (role.get("rules") or []):
            self.roles.wrote(await self.client.update(CLUSTER_ROLES, {**role, "rules": rules}))
        return None

    def _changed(self, _old: Object | None, _new: Object | None) -> None:
        for role in self.roles.by_index("aggregated", "yes"):
            self.queue.add(key_of(role))
