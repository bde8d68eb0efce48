"""The vertical pod autoscaler: one loop recommends, another applies; pods are admitted by the API server."""

from kubelab.engine.controllers.vpa.recommender import VpaRecommenderController
from kubelab.engine.controllers.vpa.updater import VpaUpdaterController

__all__ = ["VpaRecommenderController", "VpaUpdaterController"]
