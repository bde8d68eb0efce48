"""PodDisruptionBudget: how many pods may be evicted now."""

from kubelab.engine.controllers.disruption.controller import DisruptionController

__all__ = ["DisruptionController"]
