from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from kubelab.netlab.dns import DnsLab, DnsLabError, DnsNameError
from kubelab_widgets import DnsPanel

if TYPE_CHECKING:
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]
ASKED = {"search": "default.svc.cluster.local", "family": "any", "autopath": False, "cache": False}


@pytest.fixture
def panel(page: Page, say: Say) -> Iterator[DnsPanel]:
    try:
        DnsLab().close()
    except DnsLabError as error:
        pytest.skip(str(error))
    with DnsPanel("api.example.com") as shown:
        say(shown, type="hello")
        yield shown


def lookup(page: Page) -> dict[str, Any]:
    return page.sections().get("lookup") or {}


def test_the_first_name_is_looked_up_with_a_pods_settings(
    panel: DnsPanel, page: Page, eventually: Eventually
) -> None:
    eventually(lambda: lookup(page))
    found = lookup(page)
    assert (found["count"], found["wasted"], found["upstream"]) == (8, 6, 8)
    assert found["resolv_conf"].endswith("options ndots:5\n")
    assert page.sections()["machine"].startswith("Linux")
    assert repr(panel) == "<DnsPanel of api.example.com>"


def test_what_the_reader_chooses_is_looked_up_and_kept_beside_what_was_before(
    panel: DnsPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="look-up", name="web.default.", ndots="1", **ASKED)
    eventually(lambda: lookup(page).get("name") == "web.default.")
    assert [each["answer"] for each in lookup(page)["queries"]] == ["NXDOMAIN", "NXDOMAIN"]
    assert [each["count"] for each in page.sections()["history"]] == [2, 8]


@pytest.mark.parametrize(
    ("name", "ndots", "words"),
    [("a..b", "5", "is no DNS name"), ("web", "16", "from 0 to 15"), ("web", "many", "from 0 to 15")],
)
def test_what_cannot_be_looked_up_is_refused_in_words(
    panel: DnsPanel, page: Page, say: Say, eventually: Eventually, name: str, ndots: str, words: str
) -> None:
    say(panel, type="look-up", name=name, ndots=ndots, **ASKED)
    eventually(lambda: page.sections().get("notice"))
    assert words in page.sections()["notice"]["text"]


def test_a_machine_without_namespaces_shows_what_is_reckoned_and_says_so(
    monkeypatch: pytest.MonkeyPatch, page: Page, say: Say, eventually: Eventually
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with DnsPanel() as panel:
        say(panel, type="hello")
        eventually(lambda: lookup(page))
        assert (lookup(page)["count"], lookup(page)["wasted"]) == (8, 6)
        assert lookup(page)["summary"].endswith("(reckoned)")
        assert "is not installed" in page.sections()["missing"]


def test_a_still_view_shows_the_queries_escaped(panel: DnsPanel) -> None:
    html = panel.fallback()
    assert "api.example.com.default.svc.cluster.local" in html
    assert html.count("<tr>") == 9


def test_a_closed_panel_closes_its_own_lab_and_no_other() -> None:
    try:
        lab = DnsLab()
    except DnsLabError as error:
        pytest.skip(str(error))
    with lab:
        DnsPanel("web", lab=lab).close()
        assert lab.count("web").lookups
        own = DnsPanel("web")
        own.close()
        assert own._own is not None
        with pytest.raises(DnsLabError, match="has ended"):
            own._own.count("web")


def test_what_is_no_name_is_refused_before_a_lab_is_made() -> None:
    with pytest.raises(DnsNameError):
        DnsPanel("a..b")
