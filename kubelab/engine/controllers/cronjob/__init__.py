"""CronJobs (batch/v1): a pure decision from a CronJob, its Jobs and the time, and the loop on it."""

from kubelab.engine.controllers.cronjob.controller import CronJobController
from kubelab.engine.controllers.cronjob.decision import CronJobDecision, decide

__all__ = ["CronJobController", "CronJobDecision", "decide"]
