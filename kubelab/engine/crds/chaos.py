"""The CustomResourceDefinition of ChaosExperiment (chaos.kubelab.dev/v1alpha1), kubelab's own.

A cluster serves it from the first experiment on.
"""

from __future__ import annotations

from kubelab.client import CHAOS_EXPERIMENTS, Object
from kubelab.engine.crds.fragments import (
    AGE,
    BOOLEAN,
    DATE_TIME,
    INT64,
    STRING,
    STRINGS,
    column,
    custom_resource_definition,
    described,
    obj,
)

_NUMBER: Object = {"type": "number"}
_TARGET = obj(
    {"kind": STRING, "name": STRING, "namespace": STRING, "uid": STRING, "address": STRING},
    required=["kind", "name"],
)


def chaos_experiment_definition() -> Object:
    """Return the CustomResourceDefinition of ChaosExperiment."""
    return custom_resource_definition(
        CHAOS_EXPERIMENTS,
        {"spec": _spec(), "status": _status()},
        description="A fault, whom it hits, when it is undone, and whether what was expected held.",
        columns=(
            column("Fault", ".spec.fault"),
            column("Phase", ".status.phase"),
            column("Verdict", ".status.verdict"),
            AGE,
            column("Hits", ".spec.hits", priority=1),
            column("Until", ".status.undoAt", priority=1),
        ),
        subresources={"status": {}},
        short_names=("chaos",),
    )


def _spec() -> Object:
    return obj(
        {
            "fault": described(STRING, "What is done, such as kill-pod."),
            "targets": {"type": "array", "items": _TARGET, "x-kubernetes-list-type": "atomic"},
            "hits": described(STRING, "The targets in a line."),
            "durationSeconds": described(
                {**_NUMBER, "minimum": 0, "maximum": 600}, "After how long it is undone, also if nobody asks."
            ),
            "seed": INT64,
            "parameters": {"type": "object", "additionalProperties": _NUMBER},
            "hypothesis": described(STRING, "What is expected to hold."),
            "about": described(_TARGET, "The job that it is expected of."),
            "stop": described(BOOLEAN, "Undo it now."),
        },
        required=["fault", "targets"],
    )


def _status() -> Object:
    return obj(
        {
            "phase": described(
                {**STRING, "enum": ["Active", "Ended", "Refused"]}, "Whether the fault holds now."
            ),
            "injectedAt": DATE_TIME,
            "undoAt": DATE_TIME,
            "endedAt": DATE_TIME,
            "did": described(STRING, "What was done."),
            "undid": described(STRING, "How it was undone."),
            "affected": described(INT64, "How many requests, packets or pods it touched, if counted."),
            "message": described(STRING, "Why it was refused."),
            "verdict": described(STRING, "Held, Broken, No effect, or Unobserved if nobody looked on."),
            "evidence": STRINGS,
        }
    )
