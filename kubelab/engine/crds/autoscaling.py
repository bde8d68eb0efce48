"""The CustomResourceDefinitions of autoscaling: node groups, the autoscaler, decisions, scores and sets.

They are kubelab's own (autoscaling.kubelab.dev/v1alpha1): where Cluster Autoscaler has flags and a cloud,
this has objects. Scores and node group sets follow what Datadog told at KubeCon Europe 2025; its schemas are
not public.
"""

from __future__ import annotations

from kubelab.client import (
    CLUSTER_AUTOSCALERS,
    INSTANCE_SCORES,
    NODE_GROUP_SETS,
    NODE_GROUPS,
    SCALING_DECISIONS,
    Object,
)
from kubelab.engine.crds.fragments import (
    AGE,
    BOOLEAN,
    CONDITIONS,
    DATE_TIME,
    INT32,
    STRING,
    STRING_MAP,
    column,
    custom_resource_definition,
    described,
    list_map,
    obj,
    ruled,
)

_NUMBER: Object = {"type": "number"}
_DATE: Object = {**STRING, "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_COUNT: Object = {**INT32, "minimum": 0}
_AMOUNTS: Object = {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}}
_CAPACITY_TYPE: Object = {**STRING, "enum": ["on-demand", "spot"]}
_TAINTS: Object = {
    "type": "array",
    "maxItems": 64,
    "items": obj(
        {
            "key": STRING,
            "value": STRING,
            "effect": {**STRING, "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
        },
        required=["key", "effect"],
    ),
}
_SECONDS: Object = {**_NUMBER, "minimum": 0}


def _list(item: Object, **more: object) -> Object:
    return {"type": "array", "items": item, "x-kubernetes-list-type": "atomic", **more}


def _group_spec() -> Object:
    """Return the schema of what a node group is, which a set's template shares."""
    return obj(
        {
            "instanceType": described(STRING, "The type of its nodes, by the catalogue's name."),
            "template": described(
                obj({"capacity": _AMOUNTS, "allocatable": _AMOUNTS}),
                "What a node has, for types that no catalogue has.",
            ),
            "minSize": {**_COUNT, "default": 0},
            "maxSize": {**_COUNT, "default": 1000},
            "replicas": described({**_COUNT, "default": 0}, "How many nodes there should be."),
            "capacityType": {**_CAPACITY_TYPE, "default": "on-demand"},
            "zone": STRING,
            "labels": STRING_MAP,
            "taints": _TAINTS,
            "provisioningDelaySeconds": described(
                {**_SECONDS, "default": 60}, "How long a node takes from the request to being ready."
            ),
            "availableNodes": described(
                _COUNT, "How many nodes the provider has; beyond it, it is out of capacity."
            ),
            "interruptionsPerNodeHour": described(
                _SECONDS, "How often a spot node is taken back, on average."
            ),
            "priceUsdPerHour": described(_NUMBER, "The price of one node, instead of the catalogue's."),
            "priceDate": described(_DATE, "When that price held."),
        }
    )


def node_group_definition() -> Object:
    """Return the CustomResourceDefinition of NodeGroup."""
    spec = ruled(
        _group_spec(),
        {
            "rule": "!has(self.minSize) || !has(self.maxSize) || self.minSize <= self.maxSize",
            "message": "minSize must not be above maxSize",
        },
        {
            "rule": "has(self.instanceType) || has(self.template)",
            "message": "give instanceType, or a template with capacity and allocatable",
        },
        {
            "rule": "has(self.priceUsdPerHour) == has(self.priceDate)",
            "message": "priceUsdPerHour and priceDate go together: a price without its date says nothing",
        },
        {
            "rule": "!has(self.priceUsdPerHour) || self.priceUsdPerHour > 0.0",
            "message": "priceUsdPerHour must be above 0",
        },
    )
    coming = obj({"name": STRING, "requestedAt": DATE_TIME, "readyAt": DATE_TIME}, required=["name"])
    status = obj(
        {
            "replicas": _COUNT,
            "readyReplicas": _COUNT,
            "provisioning": list_map(coming, "name"),
            "outOfCapacity": obj({"time": DATE_TIME, "message": STRING}),
            "outOfCapacityCount": _COUNT,
            "interruptions": _COUNT,
            "lastNumber": described(_COUNT, "The number in the name of the newest node."),
            "price": obj({"usdPerHour": _NUMBER, "date": _DATE, "source": STRING}),
            "conditions": CONDITIONS,
        }
    )
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    return custom_resource_definition(
        NODE_GROUPS,
        {"spec": spec, "status": status},
        description="NodeGroup is a set of like nodes that a simulated provider makes and takes.",
        columns=(
            column("Type", ".spec.instanceType"),
            column("Min", ".spec.minSize", "integer"),
            column("Max", ".spec.maxSize", "integer"),
            column("Target", ".spec.replicas", "integer"),
            column("Ready", ".status.readyReplicas", "integer"),
            column("USD/h", ".status.price.usdPerHour", "number"),
            column("Price of", ".status.price.date"),
            AGE,
        ),
        subresources={"status": {}, "scale": scale},
    )


def cluster_autoscaler_definition() -> Object:
    """Return the CustomResourceDefinition of ClusterAutoscaler."""
    down = obj(
        {
            "enabled": {**BOOLEAN, "default": True},
            "utilizationThreshold": {**_NUMBER, "minimum": 0, "maximum": 1, "default": 0.5},
            "unneededSeconds": {**_SECONDS, "default": 600},
            "unreadySeconds": {**_SECONDS, "default": 1200},
            "delayAfterAddSeconds": {**_SECONDS, "default": 600},
            "delayAfterDeleteSeconds": {**_SECONDS, "default": 0},
            "delayAfterFailureSeconds": {**_SECONDS, "default": 180},
            "consolidate": described(
                {**BOOLEAN, "default": False},
                "Whether nodes are replaced by one that costs less; Cluster Autoscaler does not.",
            ),
        }
    )
    spec = obj(
        {
            "expander": described(
                {**STRING, "default": "least-waste"}, "Names of expanders, joined by commas, asked in turn."
            ),
            "seed": {**INT32, "default": 0},
            "scanIntervalSeconds": {**_NUMBER, "minimum": 1, "default": 10},
            "balanceSimilarNodeGroups": {**BOOLEAN, "default": False},
            "maxNodesTotal": described({**_COUNT, "default": 0}, "0 is without limit."),
            "maxNodesPerScaleUp": {**INT32, "minimum": 1, "default": 1000},
            "maxNodeProvisionSeconds": {**_SECONDS, "default": 900},
            "newPodScaleUpDelaySeconds": {**_SECONDS, "default": 0},
            "scaleDown": {**down, "default": {}},
            "grpcExpander": obj({"url": STRING, "certificate": STRING}, required=["url", "certificate"]),
        }
    )
    return custom_resource_definition(
        CLUSTER_AUTOSCALERS,
        {"spec": {**spec, "default": {}}, "status": obj({"conditions": CONDITIONS})},
        description="ClusterAutoscaler is Cluster Autoscaler's loop over NodeGroups; it is named default.",
        columns=(column("Expander", ".spec.expander"), AGE),
        subresources={"status": {}},
    )


def scaling_decision_definition() -> Object:
    """Return the CustomResourceDefinition of ScalingDecision."""
    money = {"usdPerHour": _NUMBER, "priceDate": _DATE}
    term = obj({"name": STRING, "value": _NUMBER, "unit": STRING, "evidence": STRING}, required=["name"])
    option = obj(
        {
            "nodeGroup": STRING,
            "nodeCount": INT32,
            "podCount": INT32,
            "rank": _NUMBER,
            "kept": BOOLEAN,
            **money,
            "terms": _list(term),
            "why": STRING,
            "toWin": STRING,
        },
        required=["nodeGroup"],
    )
    spec = obj(
        {
            "time": DATE_TIME,
            "action": {**STRING, "enum": ["ScaleUp", "ScaleDown", "NoScaleUp", "ScaleUpFailed"]},
            "expander": STRING,
            "nodeGroup": STRING,
            "nodes": described(INT32, "How many nodes more; negative for fewer."),
            "node": STRING,
            "pods": _list(STRING),
            "podCount": INT32,
            **money,
            "why": STRING,
            "options": _list(option),
            "skipped": _list(obj({"nodeGroup": STRING, "reason": STRING})),
            "steps": _list(obj({"expander": STRING, "kept": _list(STRING), "why": STRING})),
        },
        required=["time", "action"],
    )
    return custom_resource_definition(
        SCALING_DECISIONS,
        {"spec": spec},
        description="ScalingDecision is what the autoscaler did or could not do, and why.",
        columns=(
            column("Action", ".spec.action"),
            column("Group", ".spec.nodeGroup"),
            column("Nodes", ".spec.nodes", "integer"),
            column("USD/h", ".spec.usdPerHour", "number"),
            column("Prices of", ".spec.priceDate"),
            AGE,
        ),
    )


def instance_score_definition() -> Object:
    """Return the CustomResourceDefinition of InstanceScore."""
    rating = {**_NUMBER, "minimum": 0, "maximum": 100}
    score = {"score": rating, "evidence": STRING}
    spec = obj(
        {
            "instanceType": STRING,
            "capacityType": {**_CAPACITY_TYPE, "default": "on-demand"},
            "nodeGroupSet": STRING,
            "score": described(rating, "From 0 to 100; higher is better."),
            "cost": obj({**score, "usdPerHour": _NUMBER, "priceDate": _DATE}),
            "performance": obj(score),
            "reliability": obj({**score, "interruptions": _COUNT, "outOfCapacity": _COUNT}),
            "evaluatedAt": DATE_TIME,
        },
        required=["instanceType"],
    )
    return custom_resource_definition(
        INSTANCE_SCORES,
        {"spec": spec},
        description="InstanceScore says how good a type of instance is for a set of pods.",
        columns=(
            column("Type", ".spec.instanceType"),
            column("Capacity", ".spec.capacityType"),
            column("Score", ".spec.score", "number"),
            column("Set", ".spec.nodeGroupSet"),
            AGE,
        ),
    )


def node_group_set_definition() -> Object:
    """Return the CustomResourceDefinition of NodeGroupSet."""
    requirement = obj(
        {
            "name": STRING,
            "cheapest": BOOLEAN,
            "fits": obj(
                {"cpu": {"x-kubernetes-int-or-string": True}, "memory": {"x-kubernetes-int-or-string": True}}
            ),
            "fallbacks": {**_COUNT, "default": 0},
        },
        required=["name"],
    )
    spec = obj(
        {
            "selector": described(STRING_MAP, "The nodeSelector of the pods that this set is for."),
            "types": described(STRING, "A CEL expression over an instance type; all types unless given."),
            "requirements": list_map(requirement, "name", maxItems=32),
            "maxGroups": {**INT32, "minimum": 1, "default": 10},
            "template": _group_spec(),
        }
    )
    chosen = obj({"name": STRING, "for": STRING, "why": STRING}, required=["name"])
    return custom_resource_definition(
        NODE_GROUP_SETS,
        {"spec": spec, "status": obj({"groups": list_map(chosen, "name"), "conditions": CONDITIONS})},
        description="NodeGroupSet is one scheduling domain; its controller chooses which groups serve it.",
        columns=(AGE,),
        subresources={"status": {}},
    )


def autoscaling_definitions() -> tuple[Object, ...]:
    """Return all of them."""
    return (
        node_group_definition(),
        cluster_autoscaler_definition(),
        scaling_decision_definition(),
        instance_score_definition(),
        node_group_set_definition(),
    )
