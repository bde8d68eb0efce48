"""The meter: it notes nodes and pods as they go, so that what they cost is known afterwards."""

from kubelab.engine.controllers.meter.controller import MeterController

__all__ = ["MeterController"]
