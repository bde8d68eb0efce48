"""A small valid object of each kind: what mutations start from."""

from __future__ import annotations

from typing import Any

from kubelab.client import Object

_LABELS = {"matchLabels": {"app": "a"}}
_SPEC = {"containers": [{"name": "main", "image": "busybox", "env": [{"name": "A", "value": "b"}]}]}
_TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": _SPEC}
_ONCE = {"template": {"spec": {**_SPEC, "restartPolicy": "Never"}}}
_REFERENCE = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
_SUBJECTS = [{"kind": "ServiceAccount", "name": "a", "namespace": "default"}]
_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}
_PATHS = [
    {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": "a", "port": {"number": 80}}},
    }
]
_WIDGET = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"x-kubernetes-int-or-string": True},
                "count": {"type": "integer", "minimum": 0, "default": 1},
                "ratio": {"type": "number"},
                "name": {"type": "string", "pattern": "^(a+)+$", "maxLength": 50},
                "when": {"type": "string", "format": "date-time", "nullable": True},
                "parts": {
                    "type": "array",
                    "maxItems": 10,
                    "items": {
                        "type": "object",
                        "required": ["key"],
                        "properties": {"key": {"type": "string"}, "value": {"type": "integer"}},
                        "x-kubernetes-validations": [{"rule": "!has(self.value) || self.value < 100"}],
                    },
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["key"],
                },
                "tags": {
                    "type": "array",
                    "items": {"type": "string"},
                    "x-kubernetes-list-type": "set",
                },
                "rest": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
            "x-kubernetes-validations": [
                {"rule": "self.count >= 0", "message": "negative"},
                {"rule": "!has(self.parts) || self.parts.all(a, self.parts.exists(b, a.key == b.key))"},
                {"rule": "!has(oldSelf.name) || has(self.name)"},
            ],
        },
        "status": {"type": "object", "properties": {"ready": {"type": "integer"}}},
    },
}


def definition(plural: str, kind: str, schema: Object) -> Object:
    """Return a CustomResourceDefinition of one version with all subresources."""
    scale = {"specReplicasPath": ".spec.count", "statusReplicasPath": ".status.ready"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}, "scale": scale},
        "additionalPrinterColumns": [{"name": "Count", "type": "integer", "jsonPath": ".spec.count"}],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [version],
        },
    }


WIDGETS = definition("widgets", "Widget", _WIDGET)
_SPECS: dict[tuple[str, str], Object] = {
    ("v1", "ConfigMap"): {"data": {"a": "b"}, "binaryData": {"c": "AAE="}},
    ("v1", "Endpoints"): {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]},
    ("v1", "Event"): {
        "involvedObject": {"kind": "Pod", "name": "a", "namespace": "fuzz"},
        "reason": "A",
        "message": "b",
        "type": "Normal",
    },
    ("v1", "LimitRange"): {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
    ("v1", "Namespace"): {},
    ("v1", "Node"): {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
    ("v1", "PersistentVolumeClaim"): {"spec": _CLAIM},
    ("v1", "PersistentVolume"): {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/a"},
        }
    },
    ("v1", "Pod"): {"spec": {**_SPEC, "restartPolicy": "Never"}},
    ("v1", "PodTemplate"): {"template": _TEMPLATE},
    ("v1", "ReplicationController"): {
        "spec": {"replicas": 1, "selector": {"app": "a"}, "template": _TEMPLATE}
    },
    ("v1", "ResourceQuota"): {"spec": {"hard": {"count/leases.coordination.k8s.io": "1k"}}},
    ("v1", "Secret"): {"stringData": {"a": "b"}, "type": "Opaque"},
    ("v1", "ServiceAccount"): {"secrets": [{"name": "a"}]},
    ("v1", "Service"): {"spec": {"selector": {"app": "a"}, "ports": [{"name": "http", "port": 80}]}},
    ("apps/v1", "ControllerRevision"): {"revision": 1, "data": {"a": [1]}},
    ("apps/v1", "DaemonSet"): {"spec": {"selector": _LABELS, "template": _TEMPLATE}},
    ("apps/v1", "Deployment"): {"spec": {"replicas": 1, "selector": _LABELS, "template": _TEMPLATE}},
    ("apps/v1", "ReplicaSet"): {"spec": {"replicas": 1, "selector": _LABELS, "template": _TEMPLATE}},
    ("apps/v1", "StatefulSet"): {
        "spec": {
            "serviceName": "a",
            "selector": _LABELS,
            "template": _TEMPLATE,
            "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": _CLAIM}],
        }
    },
    ("events.k8s.io/v1", "Event"): {
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "a.b/c",
        "reportingInstance": "d",
        "action": "A",
        "reason": "R",
        "type": "Normal",
        "regarding": {"kind": "Pod", "name": "a", "namespace": "fuzz"},
    },
    ("authentication.k8s.io/v1", "SelfSubjectReview"): {},
    ("authentication.k8s.io/v1", "TokenReview"): {"spec": {"token": "x"}},
    ("authorization.k8s.io/v1", "LocalSubjectAccessReview"): {
        "spec": {
            "user": "a",
            "resourceAttributes": {"namespace": "fuzz", "verb": "get", "resource": "pods"},
        }
    },
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview"): {
        "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}
    },
    ("authorization.k8s.io/v1", "SelfSubjectRulesReview"): {"spec": {"namespace": "fuzz"}},
    ("authorization.k8s.io/v1", "SubjectAccessReview"): {
        "spec": {"user": "a", "nonResourceAttributes": {"path": "/", "verb": "get"}}
    },
    ("autoscaling/v2", "HorizontalPodAutoscaler"): {
        "spec": {"scaleTargetRef": _REFERENCE, "maxReplicas": 3, "metrics": [_METRIC]}
    },
    ("autoscaling/v1", "HorizontalPodAutoscaler"): {
        "spec": {
            "scaleTargetRef": _REFERENCE,
            "maxReplicas": 3,
            "targetCPUUtilizationPercentage": 50,
        }
    },
    ("batch/v1", "CronJob"): {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": _ONCE}}},
    ("batch/v1", "Job"): {"spec": {**_ONCE, "completions": 2, "completionMode": "Indexed"}},
    ("networking.k8s.io/v1", "IngressClass"): {"spec": {"controller": "a.b/c"}},
    ("networking.k8s.io/v1", "Ingress"): {"spec": {"rules": [{"host": "a.b", "http": {"paths": _PATHS}}]}},
    ("networking.k8s.io/v1", "NetworkPolicy"): {
        "spec": {"podSelector": _LABELS, "ingress": [{"from": [{"podSelector": {}}]}]}
    },
    ("policy/v1", "PodDisruptionBudget"): {"spec": {"minAvailable": 1, "selector": _LABELS}},
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): {"roleRef": _ROLE, "subjects": _SUBJECTS},
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): {"rules": _RULES},
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): {"roleRef": _ROLE, "subjects": _SUBJECTS},
    ("rbac.authorization.k8s.io/v1", "Role"): {"rules": _RULES},
    ("storage.k8s.io/v1", "CSIDriver"): {"spec": {"attachRequired": False}},
    ("storage.k8s.io/v1", "CSINode"): {"spec": {"drivers": [{"name": "a", "nodeID": "b"}]}},
    ("storage.k8s.io/v1", "CSIStorageCapacity"): {"storageClassName": "a", "capacity": "1Gi"},
    ("storage.k8s.io/v1", "StorageClass"): {"provisioner": "a.b/c", "reclaimPolicy": "Delete"},
    ("storage.k8s.io/v1", "VolumeAttachment"): {
        "spec": {"attacher": "a", "nodeName": "b", "source": {"persistentVolumeName": "c"}}
    },
    ("storage.k8s.io/v1", "VolumeAttributesClass"): {"driverName": "a", "parameters": {"b": "c"}},
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): {},
    ("apiregistration.k8s.io/v1", "APIService"): {
        "spec": {
            "group": "a.b",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 10,
            "service": {"name": "a", "namespace": "b"},
            "insecureSkipTLSVerify": True,
        }
    },
    ("scheduling.k8s.io/v1", "PriorityClass"): {"value": 10},
    ("coordination.k8s.io/v1", "Lease"): {"spec": {"holderIdentity": "a", "leaseDurationSeconds": 10}},
    ("node.k8s.io/v1", "RuntimeClass"): {"handler": "a"},
    ("discovery.k8s.io/v1", "EndpointSlice"): {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}],
        "ports": [{"name": "http", "port": 80}],
    },
    ("example.com/v1", "Widget"): {
        "spec": {"size": "10%", "name": "aaa", "parts": [{"key": "a", "value": 1}], "tags": ["x"]}
    },
}
KINDS = sorted(_SPECS)


def valid(api_version: str, kind: str, name: str) -> Object:
    """Return an object that a server accepts under a name that is free.

    The definition of a custom kind, and an APIService, are named after what they define.
    """
    if kind == "CustomResourceDefinition":
        return definition(f"x{name}", f"X{name}", _WIDGET)
    fields: dict[str, Any] = _SPECS[api_version, kind]
    if kind == "APIService":
        fields = {"spec": {**fields["spec"], "group": f"{name}.b"}}
        name = f"v1.{name}.b"
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}
