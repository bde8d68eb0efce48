"""What ``kubectl get`` shows of each built-in kind: columns and cells, by area.

Names, order and formats are those of upstream's ``pkg/printers/internalversion/printers.go`` (Kubernetes
1.37); the server always sends the wide columns too, with priority 1.
"""

from __future__ import annotations

from kubelab.engine.apiserver.printers.cluster import CLUSTER
from kubelab.engine.apiserver.printers.columns import DEFAULT, Column, Printer
from kubelab.engine.apiserver.printers.metrics import METRICS
from kubelab.engine.apiserver.printers.network import NETWORK
from kubelab.engine.apiserver.printers.pods import PODS
from kubelab.engine.apiserver.printers.storage import STORAGE
from kubelab.engine.apiserver.printers.workloads import WORKLOADS

PRINTERS: dict[tuple[str, str], Printer] = {**PODS, **WORKLOADS, **NETWORK, **STORAGE, **CLUSTER, **METRICS}
"""By group and kind."""

__all__ = ["DEFAULT", "PRINTERS", "Column", "Printer"]
