"""Admission: what upstream's default plug-ins check and fill in before an object is validated.

NamespaceLifecycle, ServiceAccount (the name only), Priority, DefaultTolerationSeconds, DefaultStorageClass,
and the addresses of Services, which upstream's service registry allots; then, once an object is valid,
LimitRanger, NodeDeclaredFeatureValidator and PodResizeValidator (of resizes), and ResourceQuota. Pods of
vertical pod autoscalers begin with what is recommended for them.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network

from kubelab.client import NAMESPACES, PRIORITY_CLASSES, SERVICE_ACCOUNTS, SERVICES, STORAGE_CLASSES, Object
from kubelab.clock import Clock
from kubelab.engine.apiserver.collection import Stored
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.limits import LimitRanges
from kubelab.engine.apiserver.pod_resizes import PodResizes
from kubelab.engine.apiserver.quotas import QuotaAdmission
from kubelab.engine.apiserver.status import forbidden, invalid, not_found
from kubelab.engine.apiserver.store import Store
from kubelab.engine.apiserver.stored_beside import StoredBeside
from kubelab.engine.apiserver.validation import causes
from kubelab.engine.recommended_pods import RecommendedPods

_SERVICE_NETWORK = IPv4Network("10.96.0.0/16")
_NODE_PORTS = range(30000, 32768)
_TOLERATED_S = 300  # upstream: --default-not-ready-toleration-seconds
_KEPT_OF_PODS = ("priority", "preemptionPolicy", "serviceAccountName", "serviceAccount")
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class Admission:
    """Looks at what else there is in the store, and never waits."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.quotas = QuotaAdmission(store, clock)
        self.limits = LimitRanges(store)
        self.resizes = PodResizes(store)
        self.recommended = RecommendedPods(StoredBeside(store), clock)
        self._terminating: dict[str, tuple[Stored, bool]] = {}
        self._plugins: dict[str, Callable[[Kind, Object], None]] = {
            "Pod": self._create_pod,
            "PersistentVolumeClaim": self._create_claim,
            "PriorityClass": self._create_priority_class,
            "Service": self._create_service,
        }

    def check_namespace(self, kind: Kind, metadata: Object) -> None:
        """Check that a new object's namespace exists and is not terminating.

        Raises
        ------
        ApiError
            404 or 403 if not.
        """
        if not kind.resource.namespaced:
            return
        name = metadata["namespace"]
        stored = self.store.collection(NAMESPACES).latest(("", name))
        if stored is None:
            raise not_found(NAMESPACES, name)
        known, terminating = self._terminating.get(name, (None, False))
        if known is not stored:
            terminating = "deletionTimestamp" in stored.object()["metadata"]
            self._terminating[name] = (stored, terminating)
        if terminating:
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {name} is being terminated",
                "field": "metadata.namespace",
            }
            problem = f"unable to create new content in namespace {name} because it is being terminated"
            raise forbidden(kind.resource, metadata["name"], problem, [cause])

    def create(self, kind: Kind, obj: Object) -> None:
        """Fill in, in place, what depends on other objects.

        Raises
        ------
        ApiError
            403 if what it refers to does not exist.
        """
        admit = self._plugins.get(kind.resource.kind) if kind.custom is None else None
        if admit is not None:
            admit(kind, obj)

    def check_create(self, kind: Kind, obj: Object) -> None:
        """Check a valid new object against the limits and quotas of its namespace.

        Raises
        ------
        ApiError
            403 if one forbids it.
        """
        self.limits.check(kind, obj)
        self.quotas.create(kind, obj)

    def check_update(self, kind: Kind, new: Object, old: Object, subresource: str) -> None:
        """Check a valid update against the limits and quotas of its namespace.

        Raises
        ------
        ApiError
            403 if one forbids it.
        """
        if subresource == "resize" or (kind.resource.kind == "PersistentVolumeClaim" and not subresource):
            self.limits.check(kind, new)
        if subresource == "resize":
            self.resizes.check(kind, new, old)
        self.quotas.update(kind, new, old, subresource)

    def update(self, kind: Kind, new: Object, old: Object, subresource: str = "") -> None:
        """Keep, in place, what was filled in at an object's creation and an update leaves out."""
        if kind.custom is not None:
            return
        if kind.resource.kind == "Pod":
            spec, before = new.get("spec") or {}, old.get("spec") or {}
            for key in _KEPT_OF_PODS:
                if key not in spec and key in before:
                    spec[key] = before[key]
            _tolerate_lost_nodes(spec)
            if subresource == "resize":
                self.limits.set_defaults({**new, "metadata": dict(new["metadata"])})  # without a note of it
        elif kind.resource.kind == "Service":
            spec, before = new.get("spec") or {}, old.get("spec") or {}
            if spec.get("type") != "ExternalName":
                for key in ("clusterIP", "clusterIPs"):
                    if not spec.get(key) and before.get(key):
                        spec[key] = before[key]
            self._create_service(kind, new)

    def _create_pod(self, kind: Kind, pod: Object) -> None:
        spec = pod.get("spec") or {}
        self._set_service_account(kind, pod, spec)
        self._set_priority(kind, pod, spec)
        _tolerate_lost_nodes(spec)
        self.limits.set_defaults(pod)
        self.recommended.apply(pod)

    def _set_service_account(self, kind: Kind, pod: Object, spec: Object) -> None:
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        namespace = pod["metadata"]["namespace"]
        # The default account is made by a controller: a pod need not wait for it, as it gets no token of it.
        if name != "default" and self.store.collection(SERVICE_ACCOUNTS).latest((namespace, name)) is None:
            problem = (
                f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            )
            raise forbidden(kind.resource, pod["metadata"]["name"], problem)
        spec["serviceAccountName"] = spec["serviceAccount"] = name

    def _set_priority(self, kind: Kind, pod: Object, spec: Object) -> None:
        name = spec.get("priorityClassName")
        chosen = self._priority_class(name) if name else self._default_priority_class()
        if chosen is None:
            if name:
                problem = f"no PriorityClass with name {name} was found"
                raise forbidden(kind.resource, pod["metadata"]["name"], problem)
            chosen = {"value": 0}
        else:
            spec["priorityClassName"] = chosen["metadata"]["name"]
        policy = chosen.get("preemptionPolicy") or "PreemptLowerPriority"
        self._check_priority(kind, pod, int(chosen["value"]), policy)
        spec["priority"], spec["preemptionPolicy"] = chosen["value"], policy

    def _check_priority(self, kind: Kind, pod: Object, priority: int, policy: str) -> None:
        """Refuse a priority or policy of the pod's own that is not its class's."""
        spec, name = pod["spec"], pod["metadata"]["name"]
        computed = "priority admission controller computed {} from the given PriorityClass name"
        if spec.get("priority") not in {None, priority}:
            problem = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec"
            raise forbidden(kind.resource, name, f"{problem}; {computed.format(priority)}")
        if spec.get("preemptionPolicy") not in {None, policy}:
            given = spec["preemptionPolicy"]
            problem = f"the string value of PreemptionPolicy ({given}) must not be provided in pod spec"
            raise forbidden(kind.resource, name, f"{problem}; {computed.format(policy)}")

    def _create_priority_class(self, kind: Kind, priority_class: Object) -> None:
        """Refuse a second default."""
        default = self._default_priority_class() if priority_class.get("globalDefault") else None
        name = priority_class["metadata"]["name"]
        if default is not None and default["metadata"]["name"] != name:
            problem = (
                f"PriorityClass {default['metadata']['name']} is already marked as default. "
                "Only one default can exist"
            )
            raise forbidden(kind.resource, name, problem)

    def _priority_class(self, name: str) -> Object | None:
        stored = self.store.collection(PRIORITY_CLASSES).latest(("", name))
        return None if stored is None else stored.object()

    def _default_priority_class(self) -> Object | None:
        classes = self.store.collection(PRIORITY_CLASSES).objects.values()
        defaults = (each.object() for each in classes if b'"globalDefault":true' in each.body)
        return min(defaults, key=lambda each: int(each["value"]), default=None)

    def _create_claim(self, _kind: Kind, claim: Object) -> None:
        spec = claim.get("spec") or {}
        if "storageClassName" in spec:
            return
        classes = [each.object() for each in self.store.collection(STORAGE_CLASSES).objects.values()]
        defaults = [each for each in classes if _is_default(each)]
        if defaults:
            newest = max(defaults, key=lambda each: str(each["metadata"]["creationTimestamp"]))
            spec["storageClassName"] = newest["metadata"]["name"]

    def _create_service(self, kind: Kind, service: Object) -> None:
        spec = service.get("spec") or {}
        if spec.get("type") == "ExternalName":
            return
        others = [each.object()["spec"] for each in self._services(service)]
        taken = {other.get("clusterIP") for other in others} - {None, "None"}
        if spec.get("clusterIP") in taken:
            address = spec["clusterIP"]
            problem = f"failed to allocate IP {address}: provided IP is already allocated"
            cause = causes.invalid("spec.clusterIPs", [address], problem)
            raise invalid(kind.resource, service["metadata"]["name"], [cause])
        if not spec.get("clusterIP"):
            hosts = (str(address) for address in _SERVICE_NETWORK.hosts())
            next(hosts)  # the first is for the Service "kubernetes"
            spec["clusterIP"] = next(address for address in hosts if address not in taken)
        spec["clusterIPs"] = spec.get("clusterIPs") or [spec["clusterIP"]]
        if spec.get("type") in {"NodePort", "LoadBalancer"}:
            used = {port.get("nodePort") for other in [*others, spec] for port in other.get("ports") or []}
            for port in spec.get("ports") or []:
                if not port.get("nodePort"):
                    port["nodePort"] = next(number for number in _NODE_PORTS if number not in used)
                    used.add(port["nodePort"])

    def _services(self, service: Object) -> list[Stored]:
        collection = self.store.collection(SERVICES)
        own = (service["metadata"].get("namespace", ""), service["metadata"]["name"])
        latest = {key: collection.latest(key) for key in (*collection.objects, *collection.pending)}
        return [stored for key, stored in latest.items() if stored is not None and key != own]


def _tolerate_lost_nodes(spec: Object) -> None:
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_tolerates(each, key) for each in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _TOLERATED_S}
            )


def _tolerates(toleration: Object, key: str) -> bool:
    return toleration.get("key") in {None, "", key} and toleration.get("effect") in {None, "", "NoExecute"}


def _is_default(storage_class: Object) -> bool:
    return (storage_class["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"
