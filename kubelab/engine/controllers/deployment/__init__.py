"""Deployments (apps/v1): a pure decision from one and its ReplicaSets, and the loop that acts on it."""

from kubelab.engine.controllers.deployment.controller import DeploymentController
from kubelab.engine.controllers.deployment.decision import DeploymentDecision, decide

__all__ = ["DeploymentController", "DeploymentDecision", "decide"]
