"""Jobs (batch/v1): a pure decision from a Job and its pods, and the loop that acts on it."""

from kubelab.engine.controllers.job.controller import JobController
from kubelab.engine.controllers.job.decision import JobDecision, decide

__all__ = ["JobController", "JobDecision", "decide"]
