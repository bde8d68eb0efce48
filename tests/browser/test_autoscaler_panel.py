"""A reader adds load to a simulated cluster in JupyterLab and sees why the autoscaler chose what it chose.

With ``KUBELAB_AUTOSCALER_PICTURE=autoscaler.png`` a picture of the panel is taken on the way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, take_picture, write_notebook

PANEL = """
from kubelab import Cluster
from kubelab.scenarios import spot_storm
from kubelab.scenarios.bound import lower_bound
from kubelab_widgets import AutoscalerPanel

scenario = spot_storm(seed=3, hours=1.5)
lab = Cluster.simulated(seed=3)
lab.autoscale("least-waste")
lab.play(scenario)
AutoscalerPanel(lab, lower_bound=lower_bound(scenario, resolution_s=900))
"""
CHECK = """
latest = lab.decisions().iloc[-1]
print(latest.expander, len(latest.options))
"""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_load_is_added_the_policy_switched_a_node_interrupted_and_every_choice_explained(
    page: Page, lab: Lab
) -> None:
    write_notebook(lab, "autoscaler.ipynb", PANEL, CHECK)
    open_notebook(page, lab, "autoscaler.ipynb")
    run_cell(page, page.locator(CELL).first)
    panel = page.get_by_role("region", name="Autoscaler")
    summary = panel.locator(".kl-head .kl-progress-text")
    alert = panel.get_by_role("alert")
    expect(summary).to_have_text(re.compile(r"least-waste chooses; \d+ decisions"))
    panel.get_by_label("Length of a step").select_option("3600")
    panel.get_by_role("button", name="Step").press("Enter")
    expect(panel.locator(".kl-now")).to_have_text(re.compile("2026-01-01 01:00:"))
    expect(panel.locator(".kl-money")).to_have_text(
        re.compile(r"^[\d.]+ USD/h·[\d.]+ USD so far·prices of 20\d\d-\d\d-\d\d")
    )
    expect(panel.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"now [\d.]+, at most [\d.]+\. The lower bound is [\d.]+\.$")
    )

    panel.get_by_label("Policy").fill("price")
    panel.get_by_role("button", name="Apply").press("Enter")
    expect(alert).to_contain_text("From now on price chooses.")
    panel.get_by_label("Pods").fill("300")
    panel.get_by_role("button", name="Add load").press("Enter")
    expect(alert).to_contain_text("Deployment load-1 adds 300 pods that ask for 1 CPU and 2Gi of memory")
    panel.get_by_label("Length of a step").select_option("600")
    panel.get_by_role("button", name="Step").press("Enter")
    expect(panel.locator(".kl-now")).to_have_text(re.compile("2026-01-01 01:10:"))
    panel.get_by_label("Which decisions").select_option("ScaleUp")
    expect(panel.locator(".kl-decisions tbody tr").first).to_contain_text("01-01 01:0")
    panel.locator(".kl-decisions .kl-pick").first.press("Enter")
    detail = panel.locator(".kl-decision")
    expect(detail.locator(".kl-decision-title")).to_have_text(
        re.compile(r"UTC: Scale up, \S+ \+\d+, \+[\d.]+ USD/h \(prices of 20\d\d-\d\d-\d\d\), by price$")
    )
    expect(detail.get_by_text("★ chosen")).to_have_count(1)
    expect(detail.get_by_text("To win:").first).to_be_visible()
    take_picture(page, panel, "KUBELAB_AUTOSCALER_PICTURE")
    run_cell(page, page.locator(CELL).nth(1))
    expect(page.locator(".jp-OutputArea-output").last).to_have_text(re.compile(r"^price [1-9]"))

    node = panel.get_by_label("Spot node").input_value()
    panel.get_by_role("button", name="Interrupt").press("Enter")
    expect(alert).to_contain_text(f"The provider takes {node} back")
    panel.get_by_label("Policy").fill("cheapest")
    panel.get_by_role("button", name="Apply").press("Enter")
    expect(alert).to_contain_text("cheapest")
    expect(summary).to_have_text(re.compile("^price chooses"))
