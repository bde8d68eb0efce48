"""Between options and the bytes of a request or a response.

Pods are most of a request, and the same pod stands in the option of every group that could take it; so each
distinct pod is read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from kubelab.autoscaling.choice import Choice
from kubelab.autoscaling.option import Option, PendingPod, Template
from kubelab.autoscaling.service.messages import MESSAGES
from kubelab.errors import KubelabError
from kubelab.quantities import QuantityError
from kubelab.scheduling.requests import Amounts, amounts, pod_requests
from kubelab.scheduling.selectors import Taint

UNKNOWN_NODE = Template({}, {})


class WireError(KubelabError, ValueError):
    """Bytes that are not the message they should be."""

    def __init__(self, what: str, problem: str) -> None:
        self.what = what
        self.problem = problem
        super().__init__(f"{what} cannot be read: {problem}")


def read_request(data: bytes) -> list[Option]:
    """Return the options of a ``BestOptionsRequest`` of either generation.

    Raises
    ------
    WireError
        If the request, a node or a pod cannot be read.
    """
    request = _parsed("BestOptionsRequest", data, "the request")
    nodes = {**request.nodeMap, **request.nodeBytesMap}
    pods: dict[bytes, PendingPod] = {}
    return [_option(each, nodes, pods) for each in request.options]


def _option(read: Any, nodes: Mapping[str, bytes], pods: dict[bytes, PendingPod]) -> Option:
    group = read.nodeGroupId
    return Option(
        node_group=group,
        node_count=read.nodeCount,
        pods=tuple(_pod(data, group, pods) for data in (*read.pod, *read.podBytes)),
        template=_template(nodes[group], group) if group in nodes else UNKNOWN_NODE,
        debug=read.debug,
    )


def _pod(data: bytes, group: str, known: dict[bytes, PendingPod]) -> PendingPod:
    pod = known.get(data)
    if pod is None:
        what = f"a pod of the node group {group!r}"
        read = _parsed("Pod", data, what)
        try:
            requests = pod_requests(_spec(read.spec))
        except QuantityError as error:
            raise WireError(f"{what} ({read.metadata.namespace}/{read.metadata.name})", str(error)) from None
        meta = read.metadata
        pod = known[data] = PendingPod(meta.namespace, meta.name, requests, read.spec.priority)
    return pod


def _spec(read: Any) -> dict[str, Any]:
    return {
        "containers": [_container(each) for each in read.containers],
        "initContainers": [_container(each) for each in read.initContainers],
        "overhead": _quantities(read.overhead),
        "resources": {"requests": _quantities(read.resources.requests)},
    }


def _container(read: Any) -> dict[str, Any]:
    requests = _quantities(read.resources.requests)
    return {"resources": {"requests": requests}, "restartPolicy": read.restartPolicy}


def _quantities(read: Any) -> dict[str, str]:
    return {name: quantity.string for name, quantity in read.items()}


def _template(data: bytes, group: str) -> Template:
    what = f"the template node of the node group {group!r}"
    read = _parsed("Node", data, what)
    try:
        return Template(
            capacity=amounts(_quantities(read.status.capacity)),
            allocatable=amounts(_quantities(read.status.allocatable)),
            labels=dict(read.metadata.labels),
            taints=tuple(Taint(each.key, each.value, each.effect) for each in read.spec.taints),
        )
    except QuantityError as error:
        raise WireError(what, str(error)) from None


def write_request(options: Sequence[Option]) -> bytes:
    """Return a ``BestOptionsRequest`` of the generation since 1.34.2."""
    request = MESSAGES["BestOptionsRequest"]()
    pods: dict[int, bytes] = {}
    for option in options:
        written = request.options.add(nodeGroupId=option.node_group, nodeCount=option.node_count)
        written.debug = option.debug
        written.podBytes.extend(_pod_bytes(pod, pods) for pod in option.pods)
        request.nodeBytesMap[option.node_group] = _node_bytes(option.node_group, option.template)
    return bytes(request.SerializeToString())


def _pod_bytes(pod: PendingPod, known: dict[int, bytes]) -> bytes:
    data = known.get(id(pod))
    if data is None:
        written = MESSAGES["Pod"]()
        written.metadata.namespace, written.metadata.name = pod.namespace, pod.name
        written.spec.priority = pod.priority
        _set(written.spec.containers.add(name="all").resources.requests, pod.requests)
        data = known[id(pod)] = written.SerializeToString()
    return data


def _node_bytes(group: str, template: Template) -> bytes:
    written = MESSAGES["Node"]()
    written.metadata.name = f"template-node-for-{group}"
    written.metadata.labels.update(template.labels)
    for taint in template.taints:
        written.spec.taints.add(key=taint.key, value=taint.value, effect=taint.effect)
    _set(written.status.capacity, template.capacity)
    _set(written.status.allocatable, template.allocatable)
    return bytes(written.SerializeToString())


def _set(quantities: Any, values: Amounts) -> None:
    for name, value in values.items():
        quantities[name].string = f"{value}m" if name == "cpu" else str(value)


def write_response(choice: Choice) -> bytes:
    """Return a ``BestOptionsResponse`` that names what is kept, each with the reason."""
    response = MESSAGES["BestOptionsResponse"]()
    for each in choice.ranked:
        if each.kept:
            option = each.option
            response.options.add(
                nodeGroupId=option.node_group, nodeCount=option.node_count, debug=each.why or option.debug
            )
    return bytes(response.SerializeToString())


def read_response(data: bytes) -> Iterable[str]:
    """Return the node groups that a ``BestOptionsResponse`` names.

    Raises
    ------
    WireError
        If it cannot be read.
    """
    return [each.nodeGroupId for each in _parsed("BestOptionsResponse", data, "the response").options]


def _parsed(name: str, data: bytes, what: str) -> Any:
    try:
        return MESSAGES[name].FromString(data)
    except DecodeError as error:
        raise WireError(what, f"it is no {name} ({error})") from None
