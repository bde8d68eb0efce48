"""The custom kinds that a lab cluster serves: Kubeflow's, JobSet, Katib's, VPA's, and autoscaling's."""

from __future__ import annotations

from kubelab.client import Object
from kubelab.engine.crds.autoscaling import autoscaling_definitions
from kubelab.engine.crds.costs import meter_reading_definition
from kubelab.engine.crds.jaxjob import jax_job_definition
from kubelab.engine.crds.jobset import job_set_definition
from kubelab.engine.crds.katib import experiment_definition, suggestion_definition, trial_definition
from kubelab.engine.crds.trainer import runtime_definitions, train_job_definition
from kubelab.engine.crds.vpa import vertical_pod_autoscaler_definitions


def definitions() -> tuple[Object, ...]:
    """Return the CustomResourceDefinitions, new objects each time."""
    return (
        job_set_definition(),
        *runtime_definitions(),
        train_job_definition(),
        jax_job_definition(),
        experiment_definition(),
        suggestion_definition(),
        trial_definition(),
        meter_reading_definition(),
        *autoscaling_definitions(),
        *vertical_pod_autoscaler_definitions(),
    )


__all__ = ["definitions"]
