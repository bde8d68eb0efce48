"""The CustomResourceDefinitions of the vertical pod autoscaler (autoscaling.k8s.io/v1).

Fields, printer columns and subresources are those of upstream's ``deploy/vpa-v1-crd-gen.yaml`` (VPA 1.7,
July 2026), without the deprecated v1beta2. What upstream's webhook checks are rules of the schema here, but
those that compare amounts, whose estimated cost kube-apiserver does not accept. ``scope`` and
``recommendationGroups`` are AEP-10031's.
"""

from __future__ import annotations

from kubelab.client import VERTICAL_POD_AUTOSCALER_CHECKPOINTS, VERTICAL_POD_AUTOSCALERS, Object
from kubelab.engine.crds.fragments import (
    AGE,
    DATE_TIME,
    INT32,
    INT64,
    STRING,
    column,
    custom_resource_definition,
    described,
    obj,
    ruled,
)

_APPROVAL = "https://github.com/kubernetes/kubernetes/pull/63797"
_MOST_CONTAINERS = 100
"""Bounds what the rules cost."""

_NUMBER = r"(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
_QUANTITY: Object = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "pattern": rf"^(\+|-)?{_NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?{_NUMBER}))?$",
    "x-kubernetes-int-or-string": True,
}
_RESOURCE_LIST: Object = {"type": "object", "additionalProperties": _QUANTITY, "maxProperties": 16}
_OPTIONAL_TIME: Object = {**DATE_TIME, "nullable": True}
_GENERATION: Object = {**INT64, "minimum": 0}
_BOOST_RULES = (
    {
        "rule": "(self.type == 'Factor') == has(self.factor)",
        "message": "factor is required when type is Factor and forbidden otherwise",
    },
    {
        "rule": "(self.type == 'Quantity') == has(self.quantity)",
        "message": "quantity is required when type is Quantity and forbidden otherwise",
    },
)


def _array(item: Object, **more: object) -> Object:
    return {"type": "array", "items": item, **more}


def _startup_boost() -> Object:
    boost = obj(
        {
            "type": {**STRING, "enum": ["Factor", "Quantity"]},
            "factor": INT32,
            "quantity": _QUANTITY,
            "durationSeconds": INT32,
        },
        required=["type"],
    )
    return obj({"cpu": ruled(boost, *_BOOST_RULES)})


def _container_policy() -> Object:
    policy = obj(
        {
            "containerName": described(STRING, "Name of the container, or * for those without a policy."),
            "mode": {**STRING, "enum": ["Auto", "Off"]},
            "minAllowed": _RESOURCE_LIST,
            "maxAllowed": _RESOURCE_LIST,
            "controlledResources": _array(STRING),
            "controlledValues": {**STRING, "enum": ["RequestsAndLimits", "RequestsOnly"]},
            "oomBumpUpRatio": _QUANTITY,
            "oomMinBumpUp": _QUANTITY,
            "memoryAggregationIntervalSeconds": {**INT32, "minimum": 1},
            "memoryAggregationIntervalCount": {**INT64, "minimum": 1},
            "targetCPUPercentile": _QUANTITY,
            "targetMemoryPercentile": _QUANTITY,
            "startupBoost": _startup_boost(),
        }
    )
    return ruled(
        policy,
        {
            "rule": "has(self.containerName) && self.containerName != ''",
            "message": "containerName is required",
        },
        {
            "rule": "!has(self.mode) || !has(self.controlledValues) || self.mode != 'Off'"
            " || self.controlledValues != 'RequestsAndLimits'",
            "message": "controlledValues shouldn't be specified if container scaling mode is off",
        },
    )


def _update_policy() -> Object:
    requirement = obj(
        {
            "resources": _array(STRING),
            "changeRequirement": {**STRING, "enum": ["TargetHigherThanRequests", "TargetLowerThanRequests"]},
        },
        required=["changeRequirement", "resources"],
    )
    modes = ["Off", "Initial", "Recreate", "InPlaceOrRecreate", "InPlace", "Auto"]
    policy = obj(
        {
            "updateMode": described(
                {**STRING, "enum": modes},
                "Controls when autoscaler applies changes to the pod resources. The default is 'Recreate'.",
            ),
            "minReplicas": INT32,
            "evictAfterOOMSeconds": {**INT32, "minimum": 1},
            "evictionRequirements": _array(requirement),
        }
    )
    return ruled(
        policy,
        {"rule": "has(self.updateMode)", "message": "updateMode is required if UpdatePolicy is used"},
        {
            "rule": "!has(self.minReplicas) || self.minReplicas > 0",
            "message": "minReplicas has to be positive",
        },
    )


def _spec() -> Object:
    reference = obj(
        {"apiVersion": STRING, "kind": STRING, "name": STRING},
        required=["kind", "name"],
        **{"x-kubernetes-map-type": "atomic"},
    )
    policies = _array(_container_policy(), maxItems=_MOST_CONTAINERS)
    spec = obj(
        {
            "targetRef": described(reference, "The controller of the pods."),
            "updatePolicy": _update_policy(),
            "resourcePolicy": obj({"containerPolicies": policies}),
            "recommenders": _array(obj({"name": STRING}, required=["name"]), maxItems=1),
            "startupBoost": _startup_boost(),
            "scope": described(
                {**STRING, "maxLength": 317},
                "A label key of nodes: pods of a DaemonSet are sized for each value of it apart.",
            ),
        },
        required=["targetRef"],
    )
    return ruled(
        spec,
        {
            "rule": "!has(self.scope) || self.scope == '' || self.targetRef.kind == 'DaemonSet'",
            "message": "scope is only supported when targetRef.kind is DaemonSet",
        },
    )


def _recommendations(*amounts: str) -> Object:
    fields = {"containerName": STRING, **dict.fromkeys(amounts, _RESOURCE_LIST)}
    return _array(obj(fields, required=["target"]))


def _status() -> Object:
    condition = obj(
        {
            "type": STRING,
            "status": STRING,
            "lastTransitionTime": DATE_TIME,
            "reason": STRING,
            "message": STRING,
            "observedGeneration": _GENERATION,
        },
        required=["status", "type"],
    )
    group = obj(
        {"scopeValue": STRING, "containerRecommendations": _recommendations("target")},
        required=["scopeValue"],
    )
    whole = _recommendations("target", "lowerBound", "upperBound", "uncappedTarget")
    return obj(
        {
            "conditions": _array(condition),
            "observedGeneration": _GENERATION,
            "recommendation": obj({"containerRecommendations": whole}),
            "recommendationGroups": _array(group),
        }
    )


def vertical_pod_autoscaler_definition() -> Object:
    """Return the CustomResourceDefinition of VerticalPodAutoscaler."""
    first = ".status.recommendation.containerRecommendations[0].target"
    return custom_resource_definition(
        VERTICAL_POD_AUTOSCALERS,
        {"spec": _spec(), "status": _status()},
        description=(
            "VerticalPodAutoscaler is the configuration for a vertical pod autoscaler, which "
            "automatically manages pod resources based on historical and real time resource utilization."
        ),
        columns=(
            column("Mode", ".spec.updatePolicy.updateMode"),
            column("CPU", f"{first}.cpu"),
            column("Mem", f"{first}.memory"),
            column("Provided", ".status.conditions[?(@.type=='RecommendationProvided')].status"),
            AGE,
            column("MinReplicas", ".spec.updatePolicy.minReplicas", "integer", priority=1),
            column("OOMSeconds", ".spec.updatePolicy.evictAfterOOMSeconds", "integer", priority=1),
        ),
        subresources={"status": {}},
        short_names=("vpa",),
        approval=_APPROVAL,
    )


def checkpoint_definition() -> Object:
    """Return the CustomResourceDefinition of VerticalPodAutoscalerCheckpoint."""
    weights = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    histogram = obj(
        {
            "referenceTimestamp": _OPTIONAL_TIME,
            "bucketWeights": described(weights, "Map from bucket index to bucket weight."),
            "totalWeight": {"type": "number"},
        }
    )
    status = obj(
        {
            "lastUpdateTime": _OPTIONAL_TIME,
            "version": STRING,
            "cpuHistogram": histogram,
            "memoryHistogram": histogram,
            "firstSampleStart": _OPTIONAL_TIME,
            "lastSampleStart": _OPTIONAL_TIME,
            "totalSamplesCount": {"type": "integer"},
        }
    )
    spec = obj({"vpaObjectName": STRING, "containerName": STRING, "scopeValue": STRING})
    return custom_resource_definition(
        VERTICAL_POD_AUTOSCALER_CHECKPOINTS,
        {"spec": spec, "status": status},
        description=(
            "VerticalPodAutoscalerCheckpoint is the checkpoint of the internal state of VPA that is used for "
            "recovery after recommender's restart."
        ),
        short_names=("vpacheckpoint",),
        approval=_APPROVAL,
    )


def vertical_pod_autoscaler_definitions() -> tuple[Object, ...]:
    """Return both."""
    return vertical_pod_autoscaler_definition(), checkpoint_definition()
