"""The controller that runs Katib's db manager while there are Experiments whose trials push their metrics."""

from kubelab.engine.controllers.dbmanager.controller import DbManagerController

__all__ = ["DbManagerController"]
