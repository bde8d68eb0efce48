"""`ProxyBenchPanel`: kube-proxy's modes beside one another on this kernel, measured while one looks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from kubelab import netlab, portal
from kubelab.errors import KubelabError
from kubelab.netlab.errors import StoppedError
from kubelab.netlab.results import BACKENDS, Backend, Comparison, Measure, Progress
from kubelab.netlab.tools import why_not
from kubelab_widgets.assets import module, style
from kubelab_widgets.live_panel import LivePanel, Notice
from kubelab_widgets.proxy_bench_fallback import comparison_html, listing_of, origin_of


class ProxyBenchPanel(LivePanel):
    """A live panel that compares kube-proxy's ways to write rules: it runs, shows its progress, and draws.

    Parameters
    ----------
    comparison : Comparison, optional
        What it shows first, such as `Comparison.recorded`'s; nothing unless given.
    services : sequence of int
        Numbers of Services that its form begins with.
    endpoints, repeats, seed : int
        As in `kubelab.netlab.compare`.
    backends : sequence of str
        Those chosen at first.

    Attributes
    ----------
    comparison : Comparison or None
        What it shows, once a run is complete.

    Examples
    --------
    >>> ProxyBenchPanel(services=[1_000, 5_000])  # doctest: +SKIP
    >>> ProxyBenchPanel(Comparison.recorded())  # doctest: +SKIP
    """

    _esm = module("proxy_bench_panel.js")
    _css = style("panel.css") + style("fleet.css") + style("proxy_bench.css")

    def __init__(
        self,
        comparison: Comparison | None = None,
        *,
        services: Sequence[int] = (1000, 5000),
        endpoints: int = 2,
        backends: Sequence[Backend] = ("iptables-legacy", "nftables"),
        repeats: int = 3,
        seed: int = 0,
    ) -> None:
        self.comparison = comparison
        self._seed = seed
        self._stopping = threading.Event()
        self._form = {
            "services": ", ".join(map(str, services)),
            "endpoints": endpoints,
            "repeats": repeats,
            "backends": list(BACKENDS),
            "chosen": list(backends),
            "reasons": {each: reason for each in BACKENDS if (reason := why_not(each))},
        }
        super().__init__()

    def prepare(self) -> None:
        """Put what is shown first."""
        self._outbox.put(form=self._form, progress=None, origin="", verdicts=[])
        if self.comparison is not None:
            self._show(self.comparison)

    def describe(self) -> str:
        """Return what it shows."""
        if self.comparison is None:
            return "without results"
        kind = "recorded" if self.comparison.is_recorded else "measured"
        return f"of {len(self.comparison.measures)} {kind} cells"

    def fallback(self) -> str:
        """Return the comparison as still HTML."""
        return comparison_html(self.comparison) if self.comparison else super().fallback()

    def stop(self) -> None:
        """Stop a run under way, and wait until its namespaces are gone."""
        self._stopping.set()
        super().stop()

    # What follows runs on the portal's loop, except where it says otherwise.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._outbox.start_again({})
            case "run" if self._action is None:
                self._begin_run(message)
            case "stop" if self._action is not None:
                self._stopping.set()
                self._outbox.put(busy="stop")
            case "recorded" if self._action is None:
                self.begin("read", Comparison.recorded)

    def done(self, result: object) -> Notice | None:
        """Show what was measured or read."""
        self._outbox.put(progress=None)
        if isinstance(result, Comparison):
            self.comparison = result
            self._show(result)
        return None

    def notice_of(self, error: Exception) -> Notice:
        """Say that a run was stopped, or why it failed (on the thread)."""
        if isinstance(error, StoppedError):
            return {"text": "Stopped. What was complete is shown.", "level": "info"}
        return super().notice_of(error)

    async def detach(self) -> None:
        """Nothing is watched."""

    def _begin_run(self, message: dict[str, Any]) -> None:
        try:
            asked = read_form(message)
        except KubelabError as error:
            self._outbox.put(notice=self.notice_of(error))
            return
        self._stopping.clear()
        self._clear()
        self._outbox.put(progress={"done": 0, "total": 0, "doing": "making namespaces"})
        asked |= {"seed": self._seed, "on_progress": self._progressed, "stop": self._stopping}
        self.begin("run", lambda: netlab.compare(**asked))

    def _progressed(self, progress: Progress) -> None:
        """Pass progress on (on the thread)."""
        portal.loop().call_soon_threadsafe(self._show_progress, progress)

    def _show_progress(self, progress: Progress) -> None:
        self._outbox.put(progress={"done": progress.done, "total": progress.total, "doing": progress.doing})
        if progress.measure is not None:
            self._put_rows([progress.measure])
        self.update()

    def _clear(self) -> None:
        """Take what is shown away: another run's numbers do not stand beside this one's."""
        self.comparison = None
        self._outbox.drop_rows(range(self._next))
        self._outbox.put(origin="", verdicts=[])

    def _show(self, comparison: Comparison) -> None:
        self._outbox.drop_rows(range(self._next))
        self._put_rows(comparison.measures)
        self._outbox.put(
            origin=origin_of(comparison),
            recorded=comparison.is_recorded,
            verdicts=list(comparison.verdicts()),
        )

    _next = 0
    """The number of the next row; a number that was dropped does not come back."""

    def _put_rows(self, measures: Sequence[Measure]) -> None:
        for each in measures:
            self._outbox.put_rows({self._next: {"number": self._next, **row_of(each)}})
            self._next += 1


def read_form(message: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a comparison that a form asks for.

    Raises
    ------
    KubelabError
        If its numbers are none, or nothing is chosen.
    """
    services = sorted({_number("Services", part) for part in str(message.get("services", "")).split(",")})
    chosen = [each for each in BACKENDS if each in (message.get("backends") or [])]
    if not chosen:
        raise KubelabError("No backend is chosen. Choose one or more.")
    counts = {name: _number(name, message.get(name)) for name in ("endpoints", "repeats")}
    return {"services": services, "backends": chosen, **counts}


def row_of(measure: Measure) -> dict[str, Any]:
    """Return what the page shows of a cell: values with the least and the most of the repeats."""
    row: dict[str, Any] = {name: getattr(measure, name) for name in ("backend", "services", "endpoints")}
    if measure.skipped is not None:
        return {**row, "skipped": measure.skipped}
    direct, last = measure.latency["direct"].p50, measure.latency["last"]
    times = {
        name: [value, *measure.spread.get(name, (value, value))]
        for name, value in (("full_s", measure.full_s), ("add_s", measure.add_s))
    }
    net = [last.p50 - direct, last.low - direct, last.high - direct]
    rest = {name: getattr(measure, name) for name in ("rules", "add_bytes")}
    rest["listing"] = listing_of(measure)
    return {**row, **times, **rest, "net_us": net, "per_s": measure.connections_per_s.get("last")}


def _number(name: str, text: object) -> int:
    try:
        value = int(str(text).strip().replace("_", ""))
    except ValueError:
        value = 0
    if value < 1:
        raise KubelabError(f"{name}: {str(text).strip()!r} is no number above zero.")
    return value
