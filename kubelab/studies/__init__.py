"""The same question put to many simulated clusters at once: `study` compares policies over seeds."""

from kubelab.studies.study import Study, study

__all__ = ["Study", "study"]
