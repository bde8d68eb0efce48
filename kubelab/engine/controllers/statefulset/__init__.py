"""StatefulSets (apps/v1): a pure decision from a StatefulSet, its pods and claims, and the loop on it."""

from kubelab.engine.controllers.statefulset.controller import StatefulSetController
from kubelab.engine.controllers.statefulset.decision import StatefulSetDecision, decide

__all__ = ["StatefulSetController", "StatefulSetDecision", "decide"]
