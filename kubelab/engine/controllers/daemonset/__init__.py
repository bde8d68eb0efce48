"""DaemonSets (apps/v1): a pure decision from a DaemonSet, nodes and pods, and the loop that acts on it."""

from kubelab.engine.controllers.daemonset.controller import DaemonSetController
from kubelab.engine.controllers.daemonset.decision import DaemonSetDecision, decide, layout_of

__all__ = ["DaemonSetController", "DaemonSetDecision", "decide", "layout_of"]
