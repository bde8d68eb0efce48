"""Taint eviction: pods leave a node whose taint they do not tolerate, or tolerate for a while only."""

from __future__ import annotations

from kubelab.engine.controllers.tainteviction.controller import TaintEvictionController

__all__ = ["TaintEvictionController"]
