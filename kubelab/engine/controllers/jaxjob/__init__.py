"""JAXJobs (kubeflow.org/v1): workers of Kubeflow's training operator, one pod and Service each."""

from kubelab.engine.controllers.jaxjob.controller import JaxJobController
from kubelab.engine.controllers.jaxjob.decision import JaxJobDecision, decide

__all__ = ["JaxJobController", "JaxJobDecision", "decide"]
