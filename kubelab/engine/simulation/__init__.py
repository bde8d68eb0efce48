"""A cluster in this process on virtual time: the same API server, controllers and scheduler.

`Simulation` puts them together on a `VirtualTimeLoop` in a thread of its own; a `Doorway` leads in.
"""

from __future__ import annotations

from kubelab.engine.simulation.simulation import Simulation

__all__ = ["Simulation"]
