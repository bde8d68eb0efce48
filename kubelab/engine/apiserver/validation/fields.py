"""Which rule each field of a built-in type obeys, whatever the rest of the object says.

Fields are named by their type's short name; a type of that name obeys in every package.
"""

from __future__ import annotations

from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.rules import (
    Rule,
    at_least,
    label,
    one_of,
    port,
    positive,
    present,
    selector_operator,
    subdomain,
    text,
)

_NON_NEGATIVE = at_least(0)
_ENV_NAME = text(names.env_var_name, "^[ -<>-~]+$", 1 << 20, needed=True)
_PORT_NAME = text(names.port_name, "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", 15)
_PROTOCOL = one_of("SCTP", "TCP", "UDP")
_SCHEME = one_of("HTTP", "HTTPS")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_FILE_MODE = at_least(0, 0o777, detail="must be a number between 0 and 0777 (octal), both inclusive")
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")

PODS: dict[str, dict[str, Rule]] = {
    "PodSpec": {
        "containers": present(),
        "restartPolicy": one_of("Always", "OnFailure", "Never"),
        "dnsPolicy": one_of("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
        "preemptionPolicy": one_of("Never", "PreemptLowerPriority"),
        "activeDeadlineSeconds": at_least(1, 2**31 - 1),
        "hostname": label(),
        "subdomain": label(),
        "serviceAccountName": subdomain(),
        "nodeName": subdomain(),
        "priorityClassName": subdomain(),
        "runtimeClassName": subdomain(),
    },
    "Container": {
        "name": label(needed=True),
        "image": present(),
        "imagePullPolicy": one_of("Always", "IfNotPresent", "Never"),
        "terminationMessagePolicy": one_of("File", "FallbackToLogsOnError"),
    },
    "EphemeralContainer": {"name": label(needed=True), "image": present()},
    "ContainerPort": {
        "containerPort": port(needed=True),
        "hostPort": port(),
        "name": _PORT_NAME,
        "protocol": _PROTOCOL,
    },
    "EnvVar": {"name": _ENV_NAME},
    "ConfigMapKeySelector": {"key": present()},
    "SecretKeySelector": {"key": present()},
    "ObjectFieldSelector": {"fieldPath": present()},
    "ResourceFieldSelector": {"resource": present()},
    "VolumeMount": {"name": present(), "mountPath": present()},
    "Volume": {"name": label(needed=True)},
    "Probe": {
        "initialDelaySeconds": _NON_NEGATIVE,
        "timeoutSeconds": _NON_NEGATIVE,
        "periodSeconds": _NON_NEGATIVE,
        "successThreshold": _NON_NEGATIVE,
        "failureThreshold": _NON_NEGATIVE,
        "terminationGracePeriodSeconds": positive(),
    },
    "HTTPGetAction": {"path": present(), "scheme": _SCHEME},
    "ExecAction": {"command": present()},
    "Toleration": {
        "operator": one_of("Equal", "Exists", "Lt", "Gt"),
        "effect": one_of("", *_EFFECTS),
    },
    "TopologySpreadConstraint": {
        "maxSkew": positive(),
        "topologyKey": present("can not be empty"),
        "whenUnsatisfiable": one_of("DoNotSchedule", "ScheduleAnyway", needed=True),
        "nodeAffinityPolicy": one_of("Honor", "Ignore"),
        "nodeTaintsPolicy": one_of("Honor", "Ignore"),
    },
    "NodeSelector": {"nodeSelectorTerms": present("must have at least one node selector term")},
    "NodeSelectorRequirement": {
        "operator": selector_operator("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"),
    },
    "PodAffinityTerm": {"topologyKey": present("can not be empty")},
    "WeightedPodAffinityTerm": {"weight": at_least(1, 100, detail="must be in the range 1-100")},
    "PreferredSchedulingTerm": {"weight": at_least(1, 100, detail="must be in the range 1-100")},
    "LabelSelectorRequirement": {
        "key": present(),
        "operator": selector_operator("DoesNotExist", "Exists", "In", "NotIn"),
    },
    "HostPathVolumeSource": {
        "path": present(),
        "type": one_of(
            "",
            "DirectoryOrCreate",
            "Directory",
            "FileOrCreate",
            "File",
            "Socket",
            "CharDevice",
            "BlockDevice",
        ),
    },
    "ConfigMapVolumeSource": {"name": present(), "defaultMode": _FILE_MODE},
    "SecretVolumeSource": {"secretName": present(), "defaultMode": _FILE_MODE},
    "DownwardAPIVolumeSource": {"defaultMode": _FILE_MODE},
    "ProjectedVolumeSource": {"defaultMode": _FILE_MODE},
    "PersistentVolumeClaimVolumeSource": {"claimName": present()},
    "KeyToPath": {"key": present(), "path": present(), "mode": _FILE_MODE},
    "PodSchedulingGate": {"name": present()},
}

WORKLOADS: dict[str, dict[str, Rule]] = {
    "DeploymentSpec": {
        "replicas": _NON_NEGATIVE,
        "minReadySeconds": _NON_NEGATIVE,
        "revisionHistoryLimit": _NON_NEGATIVE,
        "progressDeadlineSeconds": _NON_NEGATIVE,
        "selector": present(),
    },
    "DeploymentStrategy": {"type": one_of("Recreate", "RollingUpdate")},
    "ReplicaSetSpec": {"replicas": _NON_NEGATIVE, "minReadySeconds": _NON_NEGATIVE, "selector": present()},
    "ReplicationControllerSpec": {"replicas": _NON_NEGATIVE, "selector": present()},
    "StatefulSetSpec": {
        "replicas": _NON_NEGATIVE,
        "minReadySeconds": _NON_NEGATIVE,
        "selector": present(),
        "podManagementPolicy": one_of("OrderedReady", "Parallel"),
    },
    "StatefulSetUpdateStrategy": {"type": one_of("OnDelete", "RollingUpdate")},
    "DaemonSetSpec": {"selector": present(), "revisionHistoryLimit": _NON_NEGATIVE},
    "DaemonSetUpdateStrategy": {"type": one_of("OnDelete", "RollingUpdate")},
    "JobSpec": {
        "parallelism": _NON_NEGATIVE,
        "completions": _NON_NEGATIVE,
        "activeDeadlineSeconds": _NON_NEGATIVE,
        "backoffLimit": _NON_NEGATIVE,
        "backoffLimitPerIndex": _NON_NEGATIVE,
        "maxFailedIndexes": _NON_NEGATIVE,
        "ttlSecondsAfterFinished": _NON_NEGATIVE,
        "completionMode": one_of("NonIndexed", "Indexed"),
        "podReplacementPolicy": one_of("Failed", "TerminatingOrFailed"),
    },
    "PodFailurePolicyRule": {"action": one_of("Count", "FailIndex", "FailJob", "Ignore", needed=True)},
    "PodFailurePolicyOnExitCodesRequirement": {"operator": one_of("In", "NotIn", needed=True)},
    "CronJobSpec": {
        "schedule": present(),
        "concurrencyPolicy": one_of("Allow", "Forbid", "Replace"),
        "startingDeadlineSeconds": _NON_NEGATIVE,
        "successfulJobsHistoryLimit": _NON_NEGATIVE,
        "failedJobsHistoryLimit": _NON_NEGATIVE,
    },
    "HorizontalPodAutoscalerSpec": {
        "minReplicas": at_least(1),
        "maxReplicas": positive(),
        "scaleTargetRef": present(),
    },
    "PodDisruptionBudgetSpec": {"unhealthyPodEvictionPolicy": one_of("AlwaysAllow", "IfHealthyBudget")},
    "ScaleSpec": {"replicas": _NON_NEGATIVE},
}

OTHERS: dict[str, dict[str, Rule]] = {
    "ServiceSpec": {
        "type": one_of("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        "sessionAffinity": one_of("ClientIP", "None"),
        "externalTrafficPolicy": one_of("Cluster", "Local"),
        "internalTrafficPolicy": one_of("Cluster", "Local"),
        "ipFamilyPolicy": one_of("PreferDualStack", "RequireDualStack", "SingleStack"),
    },
    "ServicePort": {"port": port(needed=True), "name": label(), "protocol": _PROTOCOL},
    "EndpointPort": {"protocol": _PROTOCOL},
    "EndpointSlice": {"addressType": one_of("FQDN", "IPv4", "IPv6", needed=True)},
    "PersistentVolumeClaimSpec": {
        "accessModes": present("at least 1 access mode is required"),
        "volumeMode": one_of("Block", "Filesystem"),
        "storageClassName": subdomain(),
    },
    "PersistentVolumeSpec": {
        "accessModes": present(),
        "capacity": present(),
        "volumeMode": one_of("Block", "Filesystem"),
        "persistentVolumeReclaimPolicy": one_of("Delete", "Recycle", "Retain"),
    },
    "StorageClass": {
        "provisioner": present(),
        "reclaimPolicy": one_of("Delete", "Retain"),
        "volumeBindingMode": one_of("Immediate", "WaitForFirstConsumer"),
    },
    "PriorityClass": {"preemptionPolicy": one_of("Never", "PreemptLowerPriority")},
    "Taint": {"key": present(), "effect": one_of(*_EFFECTS, needed=True)},
    "PolicyRule": {"verbs": present("verbs must contain at least one value")},
    "RoleRef": {"kind": present(), "name": present()},
    "Subject": {"kind": one_of("Group", "ServiceAccount", "User", needed=True), "name": present()},
    "LimitRangeItem": {"type": present()},
    "CustomResourceDefinitionSpec": {
        "group": subdomain(needed=True),
        "scope": one_of("Cluster", "Namespaced", needed=True),
        "versions": present("must have exactly one version marked as storage version"),
    },
    "CustomResourceDefinitionNames": {"plural": label(needed=True), "kind": present()},
    "CustomResourceDefinitionVersion": {"name": label(needed=True)},
    "CustomResourceConversion": {"strategy": one_of("None", "Webhook", needed=True)},
    "IngressClassSpec": {"controller": present()},
    "HTTPIngressPath": {"pathType": one_of("Exact", "ImplementationSpecific", "Prefix", needed=True)},
    "RuntimeClass": {"handler": label(needed=True)},
}

FIELDS: dict[str, dict[str, Rule]] = {**PODS, **WORKLOADS, **OTHERS}
