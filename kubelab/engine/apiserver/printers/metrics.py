"""How usage is shown (upstream: metrics-server's ``pkg/api/table.go``)."""

from __future__ import annotations

from datetime import datetime

from kubelab.client import Object
from kubelab.engine.apiserver.printers.columns import Cell, Printer, columns, name_of
from kubelab.quantities import cpu_millicores, whole


def _node(obj: Object, _now: datetime) -> list[Cell]:
    return [name_of(obj), *_amounts([obj["usage"]]), obj["window"]]


def _pod(obj: Object, _now: datetime) -> list[Cell]:
    return [name_of(obj), *_amounts([each["usage"] for each in obj["containers"]]), obj["window"]]


def _amounts(usages: list[Object]) -> tuple[str, str]:
    cpu = sum(cpu_millicores(usage["cpu"]) for usage in usages)
    memory = sum(whole(usage["memory"]) for usage in usages)
    return f"{cpu}m", f"{memory // 1024}Ki"


METRICS: dict[tuple[str, str], Printer] = {
    ("metrics.k8s.io", "NodeMetrics"): Printer(columns("cpu", "memory", "window"), _node),
    ("metrics.k8s.io", "PodMetrics"): Printer(columns("cpu", "memory", "window"), _pod),
}
