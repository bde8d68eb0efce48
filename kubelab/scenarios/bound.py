"""What a scenario costs at least: the cheapest nodes for its pods, if each had one the moment it is wanted.

That is the same line for every policy. A policy can come below it only by letting pods wait that a scenario
wants at once, so waiting belongs beside every cost that is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kubelab.autoscaling.catalogue import Catalogue, InstanceType
from kubelab.autoscaling.lower_bound.offers import Offer
from kubelab.autoscaling.lower_bound.over_time import BoundOverTime, Presence, lower_bound_over_time
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.client import DAEMON_SETS, DEPLOYMENTS, JOBS, PODS, STATEFUL_SETS, Object
from kubelab.scenarios.objects import RUN_DURATION
from kubelab.scenarios.scenario import Action, Scenario
from kubelab.scheduling.requests import Amounts, pod_requests

SCALED = (DEPLOYMENTS, STATEFUL_SETS)


def lower_bound(
    scenario: Scenario, types: Mapping[str, InstanceType] | None = None, *, resolution_s: float = 0.0
) -> BoundOverTime:
    """Bound what a scenario costs on its node groups.

    What providers lack in a scenario, and zones, are left out: they only make it dearer.

    Parameters
    ----------
    types : mapping of str to InstanceType
        The catalogue; the one in use unless given.
    resolution_s : float
        See `kubelab.autoscaling.lower_bound.over_time.lower_bound_over_time`.

    Raises
    ------
    NoRoomError
        If a pod fits on no node of its groups.
    """
    known = types if types is not None else Catalogue.load()
    overhead = daemon_requests(scenario.actions)
    offers = [Offer.of(NodeGroup.of(group, known), overhead) for group in scenario.node_groups]
    end_s = scenario.hours * 3600
    return lower_bound_over_time(
        presences(scenario.actions, end_s), offers, end_s=end_s, resolution_s=resolution_s
    )


def daemon_requests(actions: Iterable[Action]) -> list[Amounts]:
    """Return what each DaemonSet that is there from the beginning asks of every node."""
    return [
        _requests(each.body)
        for each in actions
        if each.verb == "create" and each.resource == DAEMON_SETS and each.body and not each.at_s
    ]


def presences(actions: Iterable[Action], end_s: float) -> Iterator[Presence]:
    """Yield which pods are wanted, from when until when."""
    open_: dict[tuple[str, str, str], Presence] = {}
    for each in actions:
        key = each.resource.plural, each.namespace, each.name
        spec = (each.body or {}).get("spec") or {}
        name = f"{each.namespace}/{each.name}"
        if each.resource == JOBS and each.verb == "create" and each.body:
            yield _job(name, each.at_s, each.body)
        elif each.resource == PODS and each.verb == "create" and each.body:
            open_[key] = Presence(name, pod_requests(each.body["spec"]), each.at_s, end_s)
        elif each.resource in SCALED and each.verb in ("create", "patch") and "replicas" in spec:
            before = open_.get(key)
            requests = before.requests if before else _requests(each.body or {})
            if before:
                yield _until(before, each.at_s)
            open_[key] = Presence(name, requests, each.at_s, end_s, int(spec["replicas"]))
        elif each.verb == "delete" and key in open_:
            yield _until(open_.pop(key), each.at_s)
    yield from open_.values()


def _until(presence: Presence, end_s: float) -> Presence:
    return Presence(presence.name, presence.requests, presence.start_s, end_s, presence.count)


def _job(name: str, at_s: float, body: Object) -> Presence:
    """Return a Job's pods, all of which run at once."""
    annotations = body["spec"]["template"]["metadata"].get("annotations") or {}
    lasts_s = float(annotations.get(RUN_DURATION, 0))
    return Presence(name, _requests(body), at_s, at_s + lasts_s, int(body["spec"].get("completions", 1)))


def _requests(body: Object) -> Amounts:
    return pod_requests(body["spec"]["template"]["spec"])
