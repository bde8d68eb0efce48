"""The controller of Katib's Trials: runs each, follows its metrics, and stops those not worth their time."""

from kubelab.engine.controllers.trial.controller import TrialController

__all__ = ["TrialController"]
