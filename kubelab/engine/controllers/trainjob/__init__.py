"""TrainJobs (trainer.kubeflow.org/v1alpha1): a runtime's template and a function become a JobSet."""

from kubelab.engine.controllers.trainjob.controller import TrainJobController
from kubelab.engine.controllers.trainjob.decision import TrainJobDecision, decide

__all__ = ["TrainJobController", "TrainJobDecision", "decide"]
