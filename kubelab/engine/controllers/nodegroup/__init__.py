"""The simulated provider: nodes that take a while to come, may not be had, and may be taken back."""

from kubelab.engine.controllers.nodegroup.controller import NodeGroupController

__all__ = ["NodeGroupController"]
