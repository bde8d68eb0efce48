"""A quota's status: its limits as observed, and what the namespace's objects use of them.

Upstream: ``syncResourceQuota`` of ``pkg/controller/resourcequota``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from kubelab.client import Object, Resource
from kubelab.engine.quotas.amounts import Amounts, add, written
from kubelab.engine.quotas.scopes import in_scope
from kubelab.engine.quotas.usage import limited, usage


def quota_status(spec: Object, objects: Mapping[Resource, Iterable[Object]], now: datetime) -> Object:
    """Return the status of a quota over the objects of its namespace."""
    hard = spec.get("hard") or {}
    used: Amounts = {}
    for resource, found in objects.items():
        names = limited(resource, hard)
        if not names:
            continue
        for obj in found:
            if in_scope(resource, obj, spec):
                used = add(used, usage(resource, obj, now))
    return {"hard": dict(hard), "used": {name: written(name, used.get(name, Decimal())) for name in hard}}
