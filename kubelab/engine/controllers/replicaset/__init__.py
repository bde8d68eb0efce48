"""ReplicaSets (apps/v1): a pure decision from a ReplicaSet and its pods, and the loop that acts on it."""

from kubelab.engine.controllers.replicaset.controller import ReplicaSetController
from kubelab.engine.controllers.replicaset.decision import ReplicaSetDecision, decide

__all__ = ["ReplicaSetController", "ReplicaSetDecision", "decide"]
