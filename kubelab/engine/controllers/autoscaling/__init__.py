"""HorizontalPodAutoscaler: how many replicas a target should have, by what its pods use.

The order to read in: `replicas` (one metric), `behavior` (how fast), `decision` (both, with reasons), then
`controller`.
"""

from kubelab.engine.controllers.autoscaling.controller import HorizontalController

__all__ = ["HorizontalController"]
