"""Cluster Autoscaler's loop: each step adds nodes for pods without room, or takes idle ones away."""

from kubelab.engine.controllers.clusterautoscaler.controller import ClusterAutoscalerController

__all__ = ["ClusterAutoscalerController"]
