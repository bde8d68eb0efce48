"""Node lifecycle: a node that falls silent is no longer ready, takes no more pods, and loses those it has."""

from __future__ import annotations

from kubelab.engine.controllers.nodelifecycle.controller import NodeLifecycleController

__all__ = ["NodeLifecycleController"]
