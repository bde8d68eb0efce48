"""`Together`: several sources as one; who is named first is believed first."""

from __future__ import annotations

from datetime import datetime

from kubelab.usage.series import ContainerKey, Usage, UsageSeries, UsageSource


class Together:
    """A `UsageSource` that asks others, and takes each container's series from the first that has any.

    Parameters
    ----------
    *sources : UsageSource
        The one that knows most comes first.
    """

    def __init__(self, *sources: UsageSource) -> None:
        self._sources = sources

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return what is known of the containers of a namespace, or of all."""
        known: set[tuple[str, str, str]] = set()
        series: list[UsageSeries] = []
        missing: list[str] = []
        for source in self._sources:
            found = await source.read(start, end, namespace=namespace)
            missing += found.missing
            new = [each for each in found.series if _name(each.container) not in known]
            known.update(_name(each.container) for each in new)
            series += new
        return Usage(tuple(series), tuple(missing))


def _name(key: ContainerKey) -> tuple[str, str, str]:
    return key.namespace, key.pod, key.container
