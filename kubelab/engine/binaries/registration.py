"""What upstream's kube-apiserver is told of kubelab's parts: where metrics are, what the node cannot do."""

from __future__ import annotations

import base64

from kubelab.client import SERVICES, Client, Object, Resource
from kubelab.engine.apiserver.metrics import GROUP, VERSION
from kubelab.engine.apiserver.subresources import NO_EPHEMERAL_CONTAINERS
from kubelab.engine.apiserver.tls import TlsFiles
from kubelab.engine.bootstrap import API_SERVICES
from kubelab.errors import AlreadyExistsError

_ADMISSION = "admissionregistration.k8s.io"
POLICIES = Resource(
    _ADMISSION, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", namespaced=False
)
POLICY_BINDINGS = Resource(
    _ADMISSION,
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
    namespaced=False,
)
WEBHOOKS = Resource(
    _ADMISSION, "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", namespaced=False
)
_METRICS_NAMESPACE, _METRICS_SERVICE = "kube-system", "metrics-server"
_WEBHOOK = "vpa-webhook-config"
"""Its name with upstream's admission controller, so that there is one of them."""

_POLICY = "pods-are-processes.kubelab.dev"


async def register_metrics(client: Client, port: int, tls: TlsFiles) -> None:
    """Have requests for metrics.k8s.io passed to a port of this machine.

    An APIService must name a Service, and the address of one may not be on loopback. The name of an
    ``ExternalName`` Service may: the aggregator connects to it, on the port of the APIService
    (``ResolveCluster`` in k8s.io/apiserver/pkg/util/proxy/proxy.go, v0.37).
    """
    service = {"type": "ExternalName", "externalName": "127.0.0.1"}
    await _ensure(client, SERVICES, _METRICS_SERVICE, service, _METRICS_NAMESPACE)
    served = {
        "group": GROUP,
        "version": VERSION,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": {"namespace": _METRICS_NAMESPACE, "name": _METRICS_SERVICE, "port": port},
        "caBundle": base64.b64encode(tls.ca.read_bytes()).decode(),
    }
    await _ensure(client, API_SERVICES, f"{VERSION}.{GROUP}", served)


async def refuse_ephemeral_containers(client: Client) -> None:
    """Have ephemeral containers refused: upstream would add one to a pod, where it never runs."""
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["pods/ephemeralcontainers"],
    }
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [
            {"expression": "false", "message": NO_EPHEMERAL_CONTAINERS, "reason": "Forbidden"},
        ],
    }
    await _ensure(client, POLICIES, _POLICY, policy)
    binding = {"policyName": _POLICY, "validationActions": ["Deny"]}
    await _ensure(client, POLICY_BINDINGS, _POLICY, binding)


async def register_recommendations(client: Client, url: str, tls: TlsFiles) -> None:
    """Have new pods that something controls shown to a webhook; without an answer they stay as they are."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "vpa.k8s.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": url, "caBundle": base64.b64encode(tls.ca.read_bytes()).decode()},
        "rules": [{**rule, "scope": "Namespaced"}],
        "matchConditions": [{"name": "controlled", "expression": "has(object.metadata.ownerReferences)"}],
        "failurePolicy": "Ignore",
        "sideEffects": "None",
        "timeoutSeconds": 5,
    }
    configuration = {
        "apiVersion": WEBHOOKS.api_version,
        "kind": WEBHOOKS.kind,
        "metadata": {"name": _WEBHOOK},
        "webhooks": [webhook],
    }
    try:
        await client.create(WEBHOOKS, configuration)
    except AlreadyExistsError:
        await client.patch(WEBHOOKS, _WEBHOOK, {"webhooks": [webhook]})


async def _ensure(client: Client, resource: Resource, name: str, spec: Object, namespace: str = "") -> None:
    """Create an object, or give the one that is there this spec."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec}
    try:
        await client.create(resource, obj)
    except AlreadyExistsError:
        await client.patch(resource, name, {"spec": spec}, namespace or None)
