"""`PrometheusUsage`: what containers used, as a Prometheus knows it that scrapes cAdvisor.

Metrics and labels are those that krr (commit d6baa74) and OpenCost (1.121) read:
``container_cpu_usage_seconds_total`` and ``container_memory_working_set_bytes`` of cAdvisor,
``kube_pod_owner``, ``kube_replicaset_owner`` and ``kube_pod_info`` of kube-state-metrics.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubelab.usage.cleaning import clean
from kubelab.usage.prometheus_api import PrometheusApi, PrometheusError
from kubelab.usage.series import ContainerKey, Resource, Usage, UsageSeries

STEP_S = 75.0
"""From one sample to the next, as in krr."""

PODS_AT_ONCE = 50
"""In one query, as in krr."""

PAGE = 1000
"""Samples of a series in one query; Prometheus refuses more than 11,000 (v2.42, ``web/api/v1/api.go``)."""

_BY = "max by (namespace, pod, container)"
_QUERIES: dict[Resource, str] = {
    "cpu": _BY + " (rate(container_cpu_usage_seconds_total{{{where}}}[{rate_s:.0f}s]))",
    "memory": _BY + " (container_memory_working_set_bytes{{{where}}})",
}
_FIND = (
    "container_cpu_usage_seconds_total{{{where}}}",
    "container_memory_working_set_bytes{{{where}}}",
)
_CONTAINERS = 'container!="", container!="POD"'
_MOST_SENTENCES = 5

Name = tuple[str, str, str]
"""Namespace, pod, container."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one query asks for: some pods of a namespace, for some of the time."""

    resource: Resource
    namespace: str
    pods: tuple[str, ...]
    start: float
    end: float

    def halves(self, step_s: float) -> tuple[_Part, _Part] | None:
        """Return it in two parts, by time; None if it is of one sample."""
        steps = int((self.end - self.start) / step_s)
        if steps < 1:
            return None
        middle = self.start + (steps // 2) * step_s
        common = (self.resource, self.namespace, self.pods)
        return _Part(*common, self.start, middle), _Part(*common, middle + step_s, self.end)


class PrometheusUsage:
    """A `UsageSource` over HTTP. What cannot be read is told in `Usage.missing`, and the rest is there.

    Parameters
    ----------
    url : str
        Where it is, such as ``http://localhost:9090``.
    headers : mapping, optional
        Such as ``Authorization`` or ``X-Scope-OrgID``.
    step_s : float
        From one sample to the next. CPU is the mean over that time, but at least over 75 s: Prometheus must
        have scraped twice in it.
    timeout_s : float
        How long one query may take.
    deadline_s : float
        How long reading may take; what is not there by then is told as missing.

    Raises
    ------
    PrometheusUrlError
        If that is no URL.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        step_s: float = STEP_S,
        timeout_s: float = 60.0,
        deadline_s: float = 300.0,
    ) -> None:
        PrometheusApi(url)
        self._url = url
        self._headers = headers
        self._step_s = step_s
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return what is known of the containers of a namespace, or of all."""
        first, last = start.timestamp(), end.timestamp()
        where = _CONTAINERS + (f", namespace={json.dumps(namespace)}" if namespace else "")
        async with PrometheusApi(self._url, headers=self._headers, timeout_s=self._timeout_s) as api:
            try:
                labels = await api.series(
                    *(each.format(where=where) for each in _FIND), start=first, end=last
                )
            except PrometheusError as error:
                return Usage((), (str(error),))
            parts = list(_parts(labels, first, last, self._step_s))
            if not parts:
                return Usage((), (_nothing(api.name, namespace),))
            reading = _Reading(api, self._step_s)
            late = await self._in_time(reading.read(part) for part in parts)
            whose = await _whose(api, namespace, first, last)
        series, problems = reading.cleaned(whose.keys, last)
        told = f"{late} of {len(parts)} queries were not answered within {self._deadline_s:g} s"
        return Usage(
            series,
            (*((told,) if late else ()), *reading.failures(len(parts)), *whose.missing, *problems),
        )

    async def _in_time(self, asking: Iterable[Coroutine[Any, Any, None]]) -> int:
        """Wait for queries until the deadline; return how many did not come."""
        tasks = [asyncio.create_task(each) for each in asking]
        try:
            _, late = await asyncio.wait(tasks, timeout=self._deadline_s)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(late)


class _Reading:
    """Gathers samples from many queries, and what went wrong."""

    def __init__(self, api: PrometheusApi, step_s: float) -> None:
        self._api = api
        self._step_s = step_s
        self._rows: defaultdict[tuple[Name, Resource], list[tuple[float, float]]] = defaultdict(list)
        self._failed: Counter[str] = Counter()

    async def read(self, part: _Part) -> None:
        """Ask for one part, in halves if it is too much for the server."""
        try:
            found = await self._api.query_range(
                _query(part, self._step_s), start=part.start, end=part.end, step_s=self._step_s
            )
            self._keep(part.resource, found)
        except PrometheusError as error:
            halves = part.halves(self._step_s) if error.too_much else None
            if halves is None:
                self._failed[str(error)] += 1
                return
            for half in halves:
                await self.read(half)
        except (KeyError, TypeError, ValueError):
            self._failed[f"Prometheus at {self._api.name}: an answer that makes no sense"] += 1

    def failures(self, parts: int) -> Iterator[str]:
        """Yield what went wrong, the commonest first."""
        for problem, times in self._failed.most_common(_MOST_SENTENCES):
            yield f"{times} of {parts} queries failed. {problem}"

    def cleaned(
        self, keys: Mapping[tuple[str, str], tuple[str, str, str]], end: float
    ) -> tuple[tuple[UsageSeries, ...], tuple[str, ...]]:
        """Return the series, and what was wrong with them."""
        import numpy as np

        series: list[UsageSeries] = []
        problems: list[str] = []
        for (name, resource), rows in sorted(self._rows.items()):
            times, values = np.array(sorted(rows), dtype=np.float64).T
            cleaned = clean(times, values, now=end)
            key = ContainerKey(*name, *keys.get(name[:2], ("", "", "")))
            if len(cleaned.times):
                series.append(UsageSeries(key, resource, cleaned.times, cleaned.values))
            problems += [f"{'/'.join(name)} {resource}: {each}" for each in cleaned.problems()]
        return tuple(series), tuple(problems)

    def _keep(self, resource: Resource, found: Iterable[Any]) -> None:
        for each in found:
            of = each["metric"]
            rows = [(float(at), float(text)) for at, text in each["values"]]
            self._rows[(of["namespace"], of["pod"], of["container"]), resource] += rows


@dataclass(frozen=True, slots=True)
class _Whose:
    """The kind and name of each pod's workload, and its node."""

    keys: Mapping[tuple[str, str], tuple[str, str, str]]
    missing: tuple[str, ...] = ()


async def _whose(api: PrometheusApi, namespace: str | None, start: float, end: float) -> _Whose:
    within = f"namespace={json.dumps(namespace)}" if namespace else ""
    asked = (
        f'kube_pod_owner{{owner_is_controller="true", {within}}}',
        f'kube_replicaset_owner{{owner_is_controller="true", {within}}}',
        f"kube_pod_info{{{within}}}",
    )
    try:
        pods, sets, infos = await asyncio.gather(*(api.series(each, start=start, end=end) for each in asked))
    except PrometheusError as error:
        return _Whose({}, (f"whose pods they are is not known. {error}",))
    above = {(each.get("namespace"), each.get("replicaset")): each for each in sets}
    nodes = {(each.get("namespace", ""), each.get("pod", "")): each.get("node", "") for each in infos}
    keys = {name: ("", "", node) for name, node in nodes.items()}
    for each in pods:
        name = (each.get("namespace", ""), each.get("pod", ""))
        owner = each
        if each.get("owner_kind") == "ReplicaSet":
            owner = above.get((name[0], each.get("owner_name")), each)
        keys[name] = (owner.get("owner_kind", ""), owner.get("owner_name", ""), nodes.get(name, ""))
    known = bool(pods or infos)
    missing = "whose pods they are is not known: there is no kube_pod_owner (kube-state-metrics tells it)"
    return _Whose(keys, () if known else (missing,))


def _parts(labels: Iterable[Mapping[str, str]], start: float, end: float, step_s: float) -> Iterator[_Part]:
    pods: defaultdict[str, set[str]] = defaultdict(set)
    for each in labels:
        if each.get("namespace") and each.get("pod"):
            pods[each["namespace"]].add(each["pod"])
    for namespace, names in sorted(pods.items()):
        ordered = sorted(names)
        for at in range(0, len(ordered), PODS_AT_ONCE):
            some = tuple(ordered[at : at + PODS_AT_ONCE])
            for first, last in _pages(start, end, step_s):
                for resource in _QUERIES:
                    yield _Part(resource, namespace, some, first, last)


def _pages(start: float, end: float, step_s: float) -> Iterator[tuple[float, float]]:
    """Yield the times of the first and last samples of each page; the last of all is of the end."""
    steps = int((end - start) / step_s)
    first = end - steps * step_s
    for at in range(0, steps + 1, PAGE):
        yield first + at * step_s, first + min(at + PAGE - 1, steps) * step_s


def _query(part: _Part, step_s: float) -> str:
    pods = json.dumps("|".join(map(re.escape, part.pods)), ensure_ascii=False)
    where = f"namespace={json.dumps(part.namespace)}, pod=~{pods}, {_CONTAINERS}"
    return _QUERIES[part.resource].format(where=where, rate_s=max(step_s, STEP_S))


def _nothing(name: str, namespace: str | None) -> str:
    of = f" of namespace {namespace}" if namespace else ""
    return f"Prometheus at {name} knows no containers{of} in this window. Does it scrape cAdvisor?"
