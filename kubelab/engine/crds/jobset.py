"""The CustomResourceDefinition of JobSet (jobset.x-k8s.io/v1alpha2, release 0.10)."""

from __future__ import annotations

from kubelab.client import JOB_SETS, Object
from kubelab.engine.crds.fragments import (
    AGE,
    ANYTHING,
    BOOLEAN,
    CONDITIONS,
    INT32,
    METADATA,
    STRING,
    STRINGS,
    column,
    custom_resource_definition,
    described,
    list_map,
    obj,
    ruled,
)

_VALUE_IMMUTABLE = {"rule": "self == oldSelf", "message": "Value is immutable"}
# Upstream's webhook checks the longest name of a Job (pkg/webhooks/jobset_webhook.go).
_JOB_NAMES = (
    {
        "rule": "!has(self.spec.replicatedJobs) || self.spec.replicatedJobs.all(job, "
        "(self.metadata.name + '-' + job.name).matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))",
        "message": "the names of the JobSet and of its replicatedJobs must form an RFC 1035 DNS label",
    },
    {
        "rule": "!has(self.spec.replicatedJobs) || self.spec.replicatedJobs.all(job, "
        "size(self.metadata.name) + size(job.name) + 2 + (job.replicas <= 10 ? 1 : job.replicas <= 100 ? 2 "
        ": job.replicas <= 1000 ? 3 : job.replicas <= 10000 ? 4 : 5) <= 63)",
        "message": "JobSet name is too long, job names generated for this JobSet will exceed 63 characters",
    },
)
# The API server estimates what a rule may cost from the bounds of what it looks at.
_MOST_REPLICATED_JOBS = 128
_LONGEST_LABEL = 63
_COUNTS = ("active", "failed", "ready", "succeeded", "suspended")


def _job_template(*, defaulted: bool) -> Object:
    """Return the schema of a Job template; a JobSet's own is defaulted, a runtime's is not."""
    pod_spec = dict(ANYTHING)
    job_spec = dict(ANYTHING)
    if defaulted:
        pod_spec["properties"] = {"restartPolicy": {**STRING, "default": "OnFailure"}}
        job_spec["properties"] = {
            "completionMode": {**STRING, "default": "Indexed"},
            "template": {**ANYTHING, "properties": {"spec": pod_spec}},
        }
    return obj({"metadata": METADATA, "spec": job_spec}, required=["spec"])


def _replicated_job(*, defaulted: bool) -> Object:
    depends_on = obj(
        {"name": STRING, "status": {**STRING, "enum": ["Ready", "Complete"]}}, required=["name", "status"]
    )
    return obj(
        {
            "name": described({**STRING, "maxLength": _LONGEST_LABEL}, "A suffix of the names of the Jobs."),
            "groupName": {**STRING, "default": "default"} if defaulted else STRING,
            "replicas": {**INT32, **({"default": 1} if defaulted else {})},
            "template": _job_template(defaulted=defaulted),
            "dependsOn": ruled(list_map(depends_on, "name", maxItems=5), _VALUE_IMMUTABLE),
        },
        required=["name", "template"],
    )


def _failure_policy() -> Object:
    actions = [
        "FailJobSet",
        "RestartJobSet",
        "RestartJobSetAndIgnoreMaxRestarts",
        "RestartJob",
        "RestartJobAndIgnoreMaxRestarts",
    ]
    rule = obj(
        {
            "name": STRING,
            "action": {**STRING, "enum": actions},
            "onJobFailureReasons": {"type": "array", "items": STRING},
            "onJobFailureMessagePatterns": {"type": "array", "items": STRING},
            "targetReplicatedJobs": STRINGS,
        },
        required=["action", "name"],
    )
    strategies = ["Recreate", "BlockingRecreate", "InPlaceRestart"]
    return obj(
        {
            "maxRestarts": described(INT32, "How often the whole set may be restarted."),
            "restartStrategy": {**STRING, "enum": strategies, "default": "Recreate"},
            "rules": {"type": "array", "items": rule},
        }
    )


def job_set_spec(*, defaulted: bool) -> Object:
    """Return the schema of a JobSet's spec; ``defaulted`` as in a JobSet, not as in a runtime's template."""
    network = obj({"enableDNSHostnames": BOOLEAN, "publishNotReadyAddresses": BOOLEAN, "subdomain": STRING})
    success = obj(
        {"operator": {**STRING, "enum": ["All", "Any"]}, "targetReplicatedJobs": STRINGS},
        required=["operator"],
    )
    startup = obj(
        {"startupPolicyOrder": {**STRING, "enum": ["AnyOrder", "InOrder"]}}, required=["startupPolicyOrder"]
    )
    if defaulted:
        network["default"] = {"enableDNSHostnames": True, "publishNotReadyAddresses": True}
        success["default"] = {"operator": "All"}
        startup["default"] = {"startupPolicyOrder": "AnyOrder"}
    coordinator = obj(
        {"replicatedJob": STRING, "jobIndex": INT32, "podIndex": INT32}, required=["replicatedJob"]
    )
    return obj(
        {
            "replicatedJobs": described(
                list_map(_replicated_job(defaulted=defaulted), "name", maxItems=_MOST_REPLICATED_JOBS),
                "The Jobs that form the set.",
            ),
            "network": ruled(network, _VALUE_IMMUTABLE),
            "successPolicy": ruled(success, _VALUE_IMMUTABLE),
            "failurePolicy": ruled(_failure_policy(), _VALUE_IMMUTABLE),
            "startupPolicy": ruled(startup, _VALUE_IMMUTABLE),
            "suspend": described(BOOLEAN, "Suspends all child Jobs."),
            "coordinator": coordinator,
            "managedBy": STRING,
            "ttlSecondsAfterFinished": {**INT32, "minimum": 0},
        }
    )


def _status() -> Object:
    numbers = {"type": "array", "items": INT32, "maxItems": 1024, "x-kubernetes-list-type": "atomic"}
    entry = obj(
        {
            "name": STRING,
            **dict.fromkeys(_COUNTS, INT32),
            "jobRestarts": numbers,
            "jobRestartsCountTowardsMax": numbers,
        },
        required=[*_COUNTS, "name"],
    )
    return obj(
        {
            "conditions": CONDITIONS,
            "restarts": INT32,
            "restartsCountTowardsMax": INT32,
            "terminalState": STRING,
            "replicatedJobsStatus": list_map(entry, "name"),
        }
    )


def job_set_definition() -> Object:
    """Return the CustomResourceDefinition of JobSet."""
    return custom_resource_definition(
        JOB_SETS,
        {"spec": job_set_spec(defaulted=True), "status": _status()},
        description="JobSet is a group of Jobs that start, restart and end together.",
        columns=(
            column("TerminalState", ".status.terminalState", description="Final state of JobSet"),
            column("Restarts", ".status.restarts", description="Number of restarts"),
            column("Completed", '.status.conditions[?(@.type=="Completed")].status'),
            column("Suspended", ".spec.suspend", description="JobSet suspended"),
            AGE,
        ),
        subresources={"status": {}},
        rules=_JOB_NAMES,
    )
