"""Admission by LimitRange: requests and limits that a pod leaves out, and bounds that it must keep.

Upstream: ``plugin/pkg/admission/limitranger``, whose words these are.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import PERSISTENT_VOLUME_CLAIMS, PODS, Object, Resource
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.status import forbidden
from kubelab.engine.apiserver.store import Store
from kubelab.engine.quotas.amounts import Amounts, parse, written
from kubelab.engine.quotas.usage import pod_amounts
from kubelab.quantities import canonical, parse_quantity

LIMIT_RANGES = Resource("", "v1", "limitranges", "LimitRange")
_ANNOTATION = "kubernetes.io/limit-ranger"


class LimitRanges:
    """The limit ranges in the store, applied to what is created beside them."""

    def __init__(self, store: Store) -> None:
        self._ranges = store.collection(LIMIT_RANGES)

    def set_defaults(self, pod: Object) -> None:
        """Give the containers of a new pod, in place, what its namespace sets by default."""
        for limit_range in self._of(pod):
            set_defaults(limit_range, pod)

    def check(self, kind: Kind, obj: Object) -> None:
        """Check a pod or claim against every bound.

        Raises
        ------
        ApiError
            403 if it breaks one.
        """
        if not (self._ranges.objects or self._ranges.pending) or kind.resource not in {
            PODS,
            PERSISTENT_VOLUME_CLAIMS,
        }:
            return
        for limit_range in self._of(obj):
            found = list(dict.fromkeys(problems(limit_range, kind.resource, obj)))
            if found:
                told = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
                raise forbidden(kind.resource, obj["metadata"]["name"], told)

    def _of(self, obj: Object) -> Iterator[Object]:
        collection = self._ranges
        if not collection.objects and not collection.pending:
            return
        namespace = obj["metadata"].get("namespace", "")
        for key in sorted({*collection.objects, *collection.pending}):
            stored = collection.latest(key) if key[0] == namespace else None
            if stored is not None:
                yield stored.object()


def set_defaults(limit_range: Object, pod: Object) -> None:
    """Fill in, in place, a pod's requests and limits, and say so in an annotation."""
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}
    for item in _items(limit_range, "Container"):
        limits.update(item.get("default") or {})
        requests.update(item.get("defaultRequest") or {})
    spec, told = pod.get("spec") or {}, []
    for role, key in (("container", "containers"), ("init container", "initContainers")):
        for container in spec.get(key) or ():
            for part, defaults in (("request", requests), ("limit", limits)):
                added = _fill(container, part + "s", defaults)
                if added:
                    told.append(f"{', '.join(sorted(added))} {part} for {role} {container['name']}")
    if told:
        meta = pod["metadata"]
        said = f"LimitRanger plugin set: {'; '.join(told)}"
        meta["annotations"] = {**(meta.get("annotations") or {}), _ANNOTATION: said}


def problems(limit_range: Object, resource: Resource, obj: Object) -> Iterator[str]:
    """Yield every bound of a limit range that a pod or claim breaks."""
    spec = obj.get("spec") or {}
    if resource == PERSISTENT_VOLUME_CLAIMS:
        requested = parse((spec.get("resources") or {}).get("requests"))
        for item in _items(limit_range, "PersistentVolumeClaim"):
            yield from _claim_problems(item, requested)
        return
    for item in (limit_range.get("spec") or {}).get("limits") or ():
        if item["type"] == "Container":
            for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
                given = container.get("resources") or {}
                yield from _problems(item, parse(given.get("requests")), parse(given.get("limits")))
        elif item["type"] == "Pod":
            yield from _problems(item, pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))


def _items(limit_range: Object, type_: str) -> Iterator[Object]:
    for item in (limit_range.get("spec") or {}).get("limits") or ():
        if item["type"] == type_:
            yield item


def _fill(container: Object, part: str, defaults: dict[str, str]) -> list[str]:
    resources = container.get("resources") or {}
    given = resources.get(part) or {}
    added = [name for name in defaults if name not in given]
    if added:
        container["resources"] = {**resources, part: {**given, **{name: defaults[name] for name in added}}}
    return added


def _problems(item: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    type_ = item["type"]
    for name, bound in (item.get("min") or {}).items():
        yield from _below(type_, name, bound, requests, limits)
    for name, bound in (item.get("max") or {}).items():
        yield from _above(type_, name, bound, requests, limits)
    for name, bound in (item.get("maxLimitRequestRatio") or {}).items():
        yield from _out_of_ratio(type_, name, bound, requests, limits)


def _claim_problems(item: Object, requests: Amounts) -> Iterator[str]:
    for name, bound in (item.get("min") or {}).items():
        yield from _below(item["type"], name, bound, requests, {})
    for name, bound in (item.get("max") or {}).items():
        said = f"maximum {name} usage per {item['type']} is {canonical(bound)}"
        if name not in requests:
            yield f"{said}.  No request is specified"
        elif requests[name] > parse_quantity(bound):
            yield f"{said}, but request is {written(name, requests[name])}"


def _below(type_: str, name: str, bound: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    said, least = f"minimum {name} usage per {type_} is {canonical(bound)}", parse_quantity(bound)
    if name not in requests:
        yield f"{said}.  No request is specified"
    elif requests[name] < least:
        yield f"{said}, but request is {written(name, requests[name])}"
    elif name in limits and limits[name] < least:
        yield f"{said}, but limit is {written(name, limits[name])}"


def _above(type_: str, name: str, bound: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    said, most = f"maximum {name} usage per {type_} is {canonical(bound)}", parse_quantity(bound)
    if name not in limits:
        yield f"{said}.  No limit is specified"
    elif limits[name] > most:
        yield f"{said}, but limit is {written(name, limits[name])}"
    elif name in requests and requests[name] > most:
        yield f"{said}, but request is {written(name, requests[name])}"


def _out_of_ratio(type_: str, name: str, bound: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    said = f"{name} max limit to request ratio per {type_} is {canonical(bound)}"
    if not requests.get(name):
        yield f"{said}, but no request is specified or request is 0"
    elif not limits.get(name):
        yield f"{said}, but no limit is specified or limit is 0"
    elif limits[name] / requests[name] > parse_quantity(bound):
        yield f"{said}, but provided ratio is {limits[name] / requests[name]:.6f}"
