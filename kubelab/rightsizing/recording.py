"""`rightsize_recording`: recommendations from recorded use alone, where no cluster is at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from kubelab import portal
from kubelab.rightsizing.containers import ContainerGroup
from kubelab.rightsizing.rightsizing import Rightsizing, rightsize
from kubelab.rightsizing.strategies import strategy_of
from kubelab.usage.recorded import Recorded
from kubelab.usage.series import ContainerKey, UsageSeries


def rightsize_recording(
    path: Path | str,
    strategy: str = "adaptive",
    *,
    namespace: str | None = None,
    window: timedelta | None = None,
    recheck: timedelta = timedelta(days=1),
) -> Rightsizing:
    """Return what a strategy recommends for the containers of a recording.

    What they ask for now is not in it, so nothing is said of savings. Prices are OpenCost's default sheet.

    Parameters
    ----------
    path : Path or str
        As `kubelab.usage.recorded.Recorded` reads it.
    window : timedelta, optional
        How much use before the recording's end counts; as much as the strategy looks at unless given.
    recheck : timedelta
        How long the recommendations have to hold.

    Raises
    ------
    RecordedError
        If the file cannot be read.
    UnknownStrategyError
        If there is no such strategy.
    """
    chosen, recorded = strategy_of(strategy), Recorded(path)
    length = window or timedelta(seconds=chosen.lookback_s)
    end = recorded.span()[1] + timedelta(seconds=1)
    usage = portal.run(recorded.read(end - length, end, namespace=namespace))
    return rightsize(
        chosen,
        groups_of(usage.series),
        usage,
        until=end.timestamp(),
        lookback_s=length.total_seconds(),
        recheck_s=recheck.total_seconds(),
    )


def groups_of(series: Iterable[UsageSeries]) -> list[ContainerGroup]:
    """Return the groups of containers that series are of, without what they ask for."""
    found: dict[ContainerKey, dict[str, str]] = defaultdict(dict)
    for each in series:
        key = each.container
        found[replace(key, pod="" if key.controller_name else key.pod, node="")][key.pod] = key.node
    return [
        ContainerGroup(key, None, tuple(pods), tuple(pods.values()), {}, {})
        for key, pods in sorted(found.items(), key=lambda item: str(item[0]))
    ]
