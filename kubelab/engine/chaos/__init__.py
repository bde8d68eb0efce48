"""What a lab's daemon does for chaos experiments: it injects faults, and undoes them in time."""

from kubelab.engine.chaos.experiments import Experiments
from kubelab.engine.chaos.injector import Injector, RefusedError

__all__ = ["Experiments", "Injector", "RefusedError"]
