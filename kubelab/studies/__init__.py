"""The same question put to many simulated clusters at once: `study` compares policies over seeds."""

from kubelab.studies.study import THRIFTY, Study, study

__all__ = ["THRIFTY", "Study", "study"]
