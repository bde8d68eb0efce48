"""A reader of JupyterLab breaks a running job on purpose, first dry, and reads the verdicts.

With ``KUBELAB_CHAOS_PICTURE=chaos.png`` a picture of the panel is taken on the way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, take_picture, write_notebook

JOB = """
import time
from kubelab import Cluster, training
from kubelab_widgets import ChaosPanel

def count(steps=100_000):
    for step in range(1, steps):
        training.report(step=step, value=1.0)
        time.sleep(0.05)

cluster = Cluster.connect()
job = cluster.train(count, num_nodes=2, resources={"cpu": "200m", "memory": "256Mi"})
"""
JOB_MS = 120_000

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_fault_is_tried_dry_injected_undone_by_hand_and_judged(page: Page, lab: Lab) -> None:
    write_notebook(lab, "chaos.ipynb", JOB, "ChaosPanel(cluster, job)")
    open_notebook(page, lab, "chaos.ipynb")
    run_cell(page, page.locator(CELL).first)
    run_cell(page, page.locator(CELL).nth(1))
    panel = page.get_by_role("region", name="Chaos")
    verdict = panel.get_by_role("group", name="Verdict")
    expect(panel.get_by_label("Fault", exact=True)).to_have_value("kill-pod")
    panel.get_by_label("Rank (empty: drawn)").fill("first")
    panel.get_by_role("button", name="Whom would it hit?").press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("Rank: 'first' is no whole number.")
    panel.get_by_label("Rank (empty: drawn)").fill("1")
    panel.get_by_role("button", name="Whom would it hit?").press("Enter")
    expect(verdict).to_contain_text(
        re.compile(r"dry run: nothing was broken.*would hit: pod/\S+-node-0-1-"), timeout=JOB_MS
    )
    expect(panel.get_by_role("group", name="Experiments")).to_be_hidden()

    panel.get_by_label("Fault", exact=True).select_option("api-latency")
    expect(panel.get_by_label("Expected")).to_have_value("the job goes on")
    panel.get_by_label("Seconds", exact=True).fill("300")
    panel.get_by_label("Late by, s").fill("0.05")
    panel.get_by_role("button", name="Break it").press("Enter")
    experiments = panel.locator(".kl-chaos-table tbody tr")
    expect(experiments).to_have_count(1)
    expect(experiments.first).to_contain_text("⚡ Active")
    expect(panel.get_by_role("img").first).to_have_attribute(
        "aria-label",
        re.compile(r"^Newest step, over seconds: \d+ at 0\.0 s, .* The fault held from [\d.]+ s on\.$"),
    )
    panel.get_by_role("button", name="Undo now").press("Enter")
    expect(verdict).to_contain_text(re.compile(r"api-latency: “the job goes on” ✓ held"))
    expect(experiments.first).to_contain_text("Ended✓ Held")

    panel.get_by_label("Fault", exact=True).select_option("kill-pod")
    panel.get_by_label("Expected").select_option("the job recovers")
    panel.get_by_role("button", name="Break it").press("Enter")
    expect(verdict).to_contain_text(
        re.compile(r"kill-pod: “the job recovers” ✓ held.*1 restart so far"), timeout=JOB_MS
    )
    expect(experiments).to_have_count(2)
    take_picture(page, panel, "KUBELAB_CHAOS_PICTURE")
