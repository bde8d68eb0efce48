from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from kubelab import netlab
from kubelab.errors import KubelabError
from kubelab.netlab.errors import StoppedError
from kubelab.netlab.results import BACKENDS, Comparison, Progress
from kubelab.netlab.tools import why_not
from kubelab_widgets import ProxyBenchPanel
from tests.unit.netlab.made_up import comparison

if TYPE_CHECKING:
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]
FORM = {
    "services": "5000, 1_000",
    "endpoints": "2",
    "repeats": "3",
    "backends": ["nftables", "iptables-legacy"],
}


class Bench:
    """A comparison that goes on from cell to cell when it is let, as the real one does on its thread."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.next_cell = threading.Semaphore(0)
        self.cleaned = threading.Event()

    def __call__(
        self, on_progress: Callable[[Progress], None], stop: threading.Event, **asked: Any
    ) -> Comparison:
        self.asked = asked
        made = comparison()
        try:
            for done, each in enumerate(made.measures):
                while not self.next_cell.acquire(timeout=0.02):
                    if stop.is_set():
                        raise StoppedError
                on_progress(Progress(done + 1, len(made.measures), f"{each.backend}, run 3 of 3", each))
        finally:
            self.cleaned.set()
        return made


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(netlab, "compare", made, raising=False)
    return made


@pytest.fixture
def panel(bench: Bench, page: Page, say: Say) -> Iterator[ProxyBenchPanel]:
    with ProxyBenchPanel(services=[1000, 5000]) as shown:
        say(shown, type="hello")
        yield shown
        bench.next_cell.release(10)


def rows(page: Page) -> dict[int, dict[str, Any]]:
    shown: dict[int, dict[str, Any]] = {}
    for update in page.updates:
        for number in update.get("gone", []):
            shown.pop(number, None)
        shown.update({row["number"]: row for row in update.get("rows", [])})
    return shown


def test_a_run_shows_each_cell_as_it_is_done_and_then_where_it_was_measured(
    panel: ProxyBenchPanel, bench: Bench, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="run", **FORM)
    eventually(lambda: bench.asked)
    assert bench.asked == {
        "services": [1000, 5000],
        "endpoints": 2,
        "repeats": 3,
        "backends": ["iptables-legacy", "nftables"],
        "seed": 0,
    }
    bench.next_cell.release()
    eventually(lambda: len(rows(page)) == 1)
    assert page.sections()["progress"] == {"done": 1, "total": 5, "doing": "iptables-legacy, run 3 of 3"}
    assert page.sections()["busy"] == "run"
    bench.next_cell.release(4)
    eventually(lambda: page.sections().get("busy") is None and len(rows(page)) == 5)
    assert page.sections()["origin"].startswith("Measured here, 2026-11-26: Linux 6.18.44")
    assert panel.comparison == comparison()


def test_a_row_has_values_with_the_least_and_the_most_of_the_repeats(
    panel: ProxyBenchPanel, bench: Bench, page: Page, say: Say, eventually: Eventually
) -> None:
    bench.next_cell.release(5)
    say(panel, type="run", **FORM)
    eventually(lambda: panel.comparison and len(rows(page)) == 5)
    first, *_, skipped = rows(page).values()
    assert first["net_us"] == pytest.approx([6.0, 4.0, 9.0])
    assert first["full_s"] == pytest.approx([0.1, 0.09, 0.12])
    assert first["listing"] == "0.04, at most once in 30 s"
    assert skipped["skipped"] == "iptables-nft is not installed"


def test_a_stopped_run_ends_in_the_middle_and_keeps_what_is_complete(
    panel: ProxyBenchPanel, bench: Bench, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="run", **FORM)
    bench.next_cell.release()
    eventually(lambda: len(rows(page)) == 1)
    assert not bench.cleaned.is_set()
    say(panel, type="stop")
    eventually(lambda: "Stopped" in str(page.sections().get("notice")))
    assert bench.cleaned.is_set()
    assert page.sections()["notice"]["level"] == "info"
    assert len(rows(page)) == 1


def test_a_panel_that_is_closed_ends_its_run(
    panel: ProxyBenchPanel, bench: Bench, say: Say, eventually: Eventually
) -> None:
    say(panel, type="run", **FORM)
    eventually(lambda: bench.asked)
    panel.close()
    assert bench.cleaned.is_set()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"services": "1000, many"}, "Services: 'many' is no number above zero."),
        ({"repeats": "0"}, "repeats: '0' is no number above zero."),
        ({"backends": ["ipvs"]}, "No backend is chosen."),
    ],
)
def test_a_form_that_cannot_be_run_is_refused_in_words(
    panel: ProxyBenchPanel, bench: Bench, page: Page, say: Say, eventually: Eventually, wrong: Any, said: str
) -> None:
    say(panel, type="run", **{**FORM, **wrong})
    eventually(lambda: said in str(page.sections().get("notice")))
    assert not bench.asked


def test_what_a_run_fails_by_is_said(
    panel: ProxyBenchPanel, page: Page, say: Say, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**asked: Any) -> Comparison:
        raise KubelabError("network namespaces are not allowed here.")

    monkeypatch.setattr(netlab, "compare", refuse, raising=False)
    say(panel, type="run", **FORM)
    eventually(lambda: "not allowed here" in str(page.sections().get("notice")))


def test_recorded_results_are_marked(page: Page, say: Say, eventually: Eventually) -> None:
    with ProxyBenchPanel(comparison(is_recorded=True)) as panel:
        say(panel, type="hello")
        eventually(lambda: len(rows(page)) == 5)
        assert page.sections()["recorded"] is True
        assert page.sections()["origin"].startswith("Recorded on another machine, 2026-11-26")
        assert repr(panel) == "<ProxyBenchPanel of 5 recorded cells>"


def test_a_report_shows_the_comparison_without_a_kernel(page: Page) -> None:
    with ProxyBenchPanel(comparison()) as panel:
        still = panel.fallback()
    assert "<svg" in still
    assert "138,000" in still
    assert "30.0 µs more than direct with iptables-legacy" in still
    assert "iptables-nft is not installed" in still
    assert "<td>0.04, every sync</td>" in still
    assert "Measured here, 2026-11-26: Linux 6.18.44, 2 x AMD EPYC, as root; nft 1.0.6; seed 0." in still


def test_all_backends_are_offered(panel: ProxyBenchPanel, page: Page, eventually: Eventually) -> None:
    eventually(lambda: page.sections().get("form"))
    assert page.sections()["form"]["backends"] == list(BACKENDS)


@pytest.mark.skipif(why_not("nftables") is not None, reason="rules cannot be loaded here")
def test_a_real_run_that_is_stopped_leaves_no_process(
    page: Page, say: Say, eventually: Eventually, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBELAB_HOME", str(tmp_path))
    before = set(psutil.Process().children(recursive=True))
    with ProxyBenchPanel() as panel:
        say(panel, type="hello")
        say(panel, type="run", services="20", endpoints="1", repeats="500", backends=["nftables"])
        eventually(lambda: (page.sections().get("progress") or {}).get("done", 0) >= 1)
        say(panel, type="stop")
        eventually(lambda: "Stopped" in str(page.sections().get("notice")))
        assert set(psutil.Process().children(recursive=True)) <= before
        say(panel, type="run", services="20", endpoints="1", repeats="1", backends=["nftables"])
        eventually(lambda: panel.comparison)
    assert panel.comparison is not None
    assert [each.skipped for each in panel.comparison.measures] == [None]
