"""The controller of Katib's Experiments: creates trials from suggestions, and counts and judges them."""

from kubelab.engine.controllers.experiment.controller import ExperimentController

__all__ = ["ExperimentController"]
