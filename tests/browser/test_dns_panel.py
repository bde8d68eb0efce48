"""A reader of JupyterLab looks a name up, sees eight queries, and brings them down to two.

With ``KUBELAB_DNS_PICTURE=dns.png`` a picture of the panel is taken on the way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from kubelab.netlab.dns import DnsLab, DnsLabError
from kubelab.netlab.dns.cache import installed_cache
from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, take_picture, write_notebook

PANEL = """
from kubelab_widgets import DnsPanel
DnsPanel("api.example.com")
"""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_lookup_is_seen_query_by_query_and_changes_with_what_the_reader_chooses(
    page: Page, lab: Lab
) -> None:
    try:
        DnsLab().close()
    except DnsLabError as error:
        pytest.skip(str(error))
    write_notebook(lab, "dns.ipynb", PANEL)
    open_notebook(page, lab, "dns.ipynb")
    run_cell(page, page.locator(CELL).first)
    panel = page.get_by_role("region", name="DNS lookups")
    summary = panel.locator(".kl-head .kl-progress-text")
    expect(summary).to_have_text(re.compile(r"^8 queries, 6 for names that do not exist in [\d.]+ ms$"))
    expect(panel.locator(".kl-dns-queries tbody tr")).to_have_count(8)
    panel.get_by_label("ndots").fill("16")
    panel.get_by_role("button", name="Look up").press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("use a number from 0 to 15")
    panel.get_by_label("ndots").fill("2")
    panel.get_by_label("ndots").press("Enter")
    expect(panel.get_by_role("alert")).to_be_hidden()
    expect(summary).to_have_text(re.compile(r"^2 queries, 0 for"))
    panel.get_by_label("ndots").fill("5")
    panel.get_by_label("autopath").check()
    panel.get_by_role("button", name="Look up").press("Enter")
    history = panel.locator(".kl-dns-history tbody tr")
    expect(history).to_have_count(3)
    expect(history.first).to_contain_text(re.compile(r"api\.example\.com53autopath20"))
    if installed_cache():
        panel.get_by_label("autopath").uncheck()
        panel.get_by_label("node's cache").check()
        panel.get_by_role("button", name="Look up").press("Enter")
        expect(summary).to_have_text(re.compile(r"^8 queries, 6 .*, \d reached the server in"))
    take_picture(page, panel, "KUBELAB_DNS_PICTURE")
