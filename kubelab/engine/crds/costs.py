"""The CustomResourceDefinition of MeterReading (costs.kubelab.dev/v1alpha1), kubelab's own."""

from __future__ import annotations

from kubelab.client import METER_READINGS, Object
from kubelab.engine.crds.fragments import (
    AGE,
    DATE_TIME,
    INT32,
    STRING,
    column,
    custom_resource_definition,
    described,
    obj,
)


def meter_reading_definition() -> Object:
    """Return the CustomResourceDefinition of MeterReading."""
    spec = obj(
        {
            "from": described(DATE_TIME, "When the first of them began."),
            "to": described(DATE_TIME, "When the last of them ended."),
            "nodes": described({**INT32, "minimum": 0}, "How many nodes it tells of."),
            "pods": described({**INT32, "minimum": 0}, "How many pods it tells of."),
            "rows": described(STRING, "The nodes and pods: JSON, compressed by zlib, in base64."),
        },
        required=["from", "to", "nodes", "pods", "rows"],
    )
    return custom_resource_definition(
        METER_READINGS,
        {"spec": spec},
        description="What is kept of nodes and pods that are gone, so that they count in the costs.",
        columns=(
            column("From", ".spec.from"),
            column("To", ".spec.to"),
            column("Nodes", ".spec.nodes", "integer"),
            column("Pods", ".spec.pods", "integer"),
            AGE,
        ),
    )
