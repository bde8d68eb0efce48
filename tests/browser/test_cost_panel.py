"""A reader of JupyterLab sees what a simulated cluster costs, by namespace and by team.

With ``KUBELAB_COST_PICTURE=costs.png`` a picture of the panel is taken on the way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, take_picture, write_notebook

PANEL = """
from kubelab import Cluster, portal, scenarios
from kubelab.scenarios.objects import deployment
from kubelab.scenarios.player import play
from kubelab_widgets import CostPanel

lab = Cluster.simulated(seed=3)
lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=1)
lab.autoscale("least-waste")
teams = [("vision", 9, "900m"), ("language", 4, "300m"), ("ops", 2, "1500m")]
for place, (team, pods, use) in enumerate(teams):
    made = deployment(0, team, "default", pods, {"cpu": "1", "memory": "3Gi"})
    template = made.body["spec"]["template"]["metadata"]
    template.setdefault("labels", {})["team"] = team
    template["annotations"] = {"simulated.kubelab.dev/cpu": use, "simulated.kubelab.dev/memory": "2Gi"}
    portal.run(play(lab.client, [made]))
    lab.run(hours=1 + place)
CostPanel(lab, budgets={"vision": 400, "language": 500, "ops": 30})
"""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_costs_are_seen_by_namespace_then_by_team_with_idle_and_budgets(page: Page, lab: Lab) -> None:
    write_notebook(lab, "costs.ipynb", PANEL)
    open_notebook(page, lab, "costs.ipynb")
    run_cell(page, page.locator(CELL).first)
    panel = page.get_by_role("region", name="Costs")
    expect(panel.locator(".kl-head .kl-progress-text")).to_have_text("by namespace, over 6 h")
    expect(panel.locator(".kl-money")).to_have_text(
        re.compile(r"^[\d.]+ USD/h now·[\d.]+ USD in 6 h·idle \d+ %·\d+ % of requests used·prices of 20\d\d-")
    )
    by = panel.get_by_label("By", exact=True)
    by.fill("colour")
    by.press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("costs cannot be put together by 'colour'")
    by.fill("team")
    panel.get_by_role("button", name="Show").press("Enter")
    expect(panel.get_by_role("alert")).to_be_hidden()
    heads = panel.locator(".kl-cost-table tbody th")
    expect(heads).to_have_text(["vision", "language", "ops", "idle"])
    expect(panel.locator(".kl-cost-table .kl-over").first).to_contain_text("over")
    pictures = panel.get_by_role("img")
    expect(pictures.first).to_have_attribute(
        "aria-label", re.compile(r"by group: now [\d.]+, at most [\d.]+\. The budget is [\d.]+\.$")
    )
    expect(pictures.nth(1)).to_have_attribute("aria-label", re.compile(r"as areas: vision \d+ %, language"))
    panel.get_by_label("Length of a step").select_option("3600")
    panel.get_by_role("button", name="Step").press("Enter")
    expect(panel.locator(".kl-head .kl-progress-text")).to_have_text("by team, over 7 h")
    take_picture(page, panel, "KUBELAB_COST_PICTURE")
