"""`DnsPanel`: what one lookup asks, by ndots, search list, trailing dot, autopath and a node's cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kubelab.netlab.dns import DnsLab, DnsLabError, Query, ResolvConf, Zone, pod_resolv_conf, reckon
from kubelab.netlab.dns.cache import CACHE_ADDRESS, installed_cache
from kubelab.netlab.dns.checks import check_name
from kubelab.netlab.dns.errors import ResolvConfError
from kubelab.netlab.dns.resolv_conf import CLUSTER_DNS, MOST_NDOTS
from kubelab.netlab.dns.results import in_vain
from kubelab.netlab.dns.server import Behaviour, predicted
from kubelab_widgets.assets import module, style
from kubelab_widgets.dns_fallback import lookup_html
from kubelab_widgets.live_panel import LivePanel, Notice

_KEPT = 12
"""How many lookups the page remembers."""


@dataclass(frozen=True)
class Setting:
    """What is looked up, and how.

    Parameters
    ----------
    name : str
        With a trailing dot or without.
    ndots : int
        From 0 to 15.
    search : tuple of str
        Domains.
    family : str
        ``any``, ``ipv4`` or ``ipv6``.
    autopath, cache : bool
        Whether the server goes through the search list, and whether a cache on the node is asked.
    """

    name: str
    ndots: int = 5
    search: tuple[str, ...] = pod_resolv_conf().search
    family: str = "any"
    autopath: bool = False
    cache: bool = False

    @staticmethod
    def of(message: Mapping[str, Any]) -> Setting:
        """Return what a page asks for.

        Raises
        ------
        DnsNameError, ResolvConfError
            If it is no name, or ndots is not a number from 0 to 15. `conf` refuses what is no search list.
        """
        name, search = str(message["name"]).strip(), tuple(str(message["search"]).split())
        ndots = str(message["ndots"]).strip()
        check_name(name)
        if not ndots.isdecimal() or int(ndots) > MOST_NDOTS:
            raise ResolvConfError("ndots", ndots, "use a number from 0 to 15")
        family, autopath, cache = str(message["family"]), bool(message["autopath"]), bool(message["cache"])
        return Setting(name, int(ndots), search, family, autopath, cache)

    @property
    def conf(self) -> ResolvConf:
        """The pod's resolv.conf."""
        return ResolvConf(
            (CACHE_ADDRESS if self.cache else CLUSTER_DNS,), self.search, (f"ndots:{self.ndots}",)
        )


class DnsPanel(LivePanel):
    """Looks a name up in the DNS lab, with settings that the reader chooses, and shows every query.

    Where the machine gives no namespaces, the queries are reckoned instead, and the panel says so.

    Parameters
    ----------
    name : str
        What it looks up first.
    lab : DnsLab, optional
        Where; one of its own unless given, which it closes.

    Raises
    ------
    DnsNameError
        If the name is none.

    Examples
    --------
    >>> DnsPanel("api.example.com")  # doctest: +SKIP
    """

    _esm = module("dns_panel.js")
    _css = style("panel.css") + style("fleet.css") + style("dns.css")

    def __init__(self, name: str = "api.example.com", *, lab: DnsLab | None = None) -> None:
        check_name(name)
        self._first = Setting(name)
        self._lab = lab
        self._own: DnsLab | None = None
        self._missing = ""
        self._history: list[dict[str, Any]] = []
        super().__init__()

    def describe(self) -> str:
        """Return what it looked up last."""
        return f"of {self._history[-1]['name']}"

    def prepare(self) -> None:
        """Open the lab, and look the first name up."""
        if self._lab is None:
            try:
                self._lab = self._own = DnsLab()
            except DnsLabError as error:
                self._missing = str(error)
        self._outbox.put(
            caches=installed_cache() is not None and self._lab is not None,
            machine=str(self._lab.machine) if self._lab else "",
            missing=self._missing,
        )
        self._show(self._look_up(self._first))

    def fallback(self) -> str:
        """Return the last lookup as still HTML."""
        return lookup_html(self._outbox.sections)

    def stop(self) -> None:
        """Close the lab that is its own."""
        super().stop()
        if self._own is not None:
            self._own.close()

    async def detach(self) -> None:
        """Nothing is watched."""

    # What follows runs on the portal's loop.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._outbox.start_again({})
            case "look-up":
                self.begin("look-up", lambda: self._look_up(Setting.of(message)))

    def done(self, result: object) -> Notice | None:
        """Show a lookup that was made."""
        if isinstance(result, dict):
            self._show(result)
        return None

    def _show(self, found: dict[str, Any]) -> None:
        self._history = [*self._history, found][-_KEPT:]
        rows = [{key: each[key] for key in _SHOWN} for each in reversed(self._history)]
        self._outbox.put(lookup=found, history=rows)

    def _look_up(self, setting: Setting) -> dict[str, Any]:
        """Measure a lookup, or reckon it where there is no lab."""
        if self._lab is None:
            zone = Zone.cluster()
            asked = reckon(
                setting.name, setting.conf, zone.has, family=setting.family, autopath=setting.autopath
            )
            behaviour = Behaviour(autopath=setting.search if setting.autopath else ())
            queries = [predicted(zone, behaviour, *each) for each in asked]
            return _as_shown(setting, queries, None, None)
        (found,) = self._lab.count(
            setting.name,
            setting.conf,
            family=setting.family,
            autopath=setting.autopath,
            cache=setting.cache,
        ).lookups
        return _as_shown(setting, found.queries, found.upstream, 1000 * found.seconds)


_SHOWN = ("name", "ndots", "domains", "how", "count", "wasted", "upstream", "ms")


def _as_shown(
    setting: Setting, queries: Sequence[Query], upstream: int | None, ms: float | None
) -> dict[str, Any]:
    wasted = in_vain(queries)
    at_server = "" if upstream is None or not setting.cache else f", {upstream} reached the server"
    took = " (reckoned)" if ms is None else f" in {ms:.1f} ms"
    options = [word for word, on in (("autopath", setting.autopath), ("cache", setting.cache)) if on]
    return {
        "name": setting.name,
        "ndots": setting.ndots,
        "search": " ".join(setting.search),
        "domains": len(setting.search),
        "family": setting.family,
        "autopath": setting.autopath,
        "cache": setting.cache,
        "how": " ".join([*options, *([] if setting.family == "any" else [setting.family])]),
        "resolv_conf": setting.conf.text(),
        "queries": [asdict(each) for each in queries],
        "count": len(queries),
        "wasted": wasted,
        "upstream": upstream,
        "ms": ms,
        "summary": f"{len(queries)} queries, {wasted} for names that do not exist{at_server}{took}",
    }
