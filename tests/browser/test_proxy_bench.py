"""A reader of JupyterLab compares kube-proxy's modes on this kernel, and watches it go on.

With ``KUBELAB_BENCH_PICTURE=bench.png`` a picture of the panel is taken on the way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from kubelab.netlab.tools import why_not
from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, take_picture, write_notebook

PANEL = """
from kubelab_widgets import ProxyBenchPanel

ProxyBenchPanel(services=[50, 200], backends=["iptables-legacy", "nftables"], repeats=1)
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(why_not("nftables") is not None, reason="rules cannot be loaded here"),
]


def test_a_run_is_started_from_the_form_and_drawn_by_number_of_services(page: Page, lab: Lab) -> None:
    write_notebook(lab, "bench.ipynb", PANEL)
    open_notebook(page, lab, "bench.ipynb")
    run_cell(page, page.locator(CELL).first)
    panel = page.get_by_role("region", name="Proxy bench")
    expect(panel.get_by_role("checkbox", checked=True)).to_have_count(2)
    expect(panel.get_by_role("img").first).to_have_attribute(
        "aria-label", re.compile("nothing was measured yet")
    )
    services = panel.get_by_label("Services", exact=True)
    services.fill("fifty")
    panel.get_by_role("button", name="Run").press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("'fifty' is no number above zero")
    services.fill("50, 200")
    panel.get_by_role("button", name="Run").press("Enter")
    expect(panel.get_by_role("alert")).to_be_hidden()
    expect(panel.locator(".kl-progress-text")).to_have_text(re.compile("^Measured here, 20"))
    expect(panel.locator("tbody tr")).to_have_count(4)
    expect(panel.locator("tbody .kl-why")).to_have_count(0)  # nothing was skipped
    expect(panel.get_by_role("img").first).to_have_attribute(
        "aria-label", re.compile(r"at 200 Services: iptables-legacy -?[\d.]+ µs, nftables -?[\d.]+ µs\.$")
    )
    expect(panel.get_by_role("button", name="Run")).to_be_enabled()
    take_picture(page, panel, "KUBELAB_BENCH_PICTURE")
