"""JobSets (jobset.x-k8s.io/v1alpha2): groups of Jobs that start, restart and end together."""

from kubelab.engine.controllers.jobset.controller import JobSetController
from kubelab.engine.controllers.jobset.decision import JobSetDecision, decide

__all__ = ["JobSetController", "JobSetDecision", "decide"]
