"""Writes InstanceScores: what the autoscaler's ``score`` expander and the expander service go by."""

from kubelab.engine.controllers.instancescore.controller import InstanceScoreController

__all__ = ["InstanceScoreController"]
