"""Decides which node groups exist for a set of pods."""

from kubelab.engine.controllers.nodegroupset.controller import NodeGroupSetController

__all__ = ["NodeGroupSetController"]
