"""A reader sees in JupyterLab what containers waste, has one changed and back, and finds the busy node.

With ``KUBELAB_RIGHTSIZING_PICTURE=rightsizing.png`` a picture of the panel is taken on the way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, take_picture, write_notebook

PANEL = """
from kubelab import Cluster, portal
from kubelab.client import DAEMON_SETS, DEPLOYMENTS
from kubelab_widgets import RightsizingPanel

def workload(kind, name, asks, used, **spec):
    use = {"simulated.kubelab.dev/cpu": used[0], "simulated.kubelab.dev/memory": used[1]}
    requests = dict(zip(("cpu", "memory"), asks))
    container = {"name": "main", "image": "app", "resources": {"requests": requests}}
    pod = {"containers": [container], "tolerations": [{"operator": "Exists"}]}
    template = {"metadata": {"labels": {"app": name}, "annotations": use}, "spec": pod}
    spec |= {"selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

lab = Cluster.simulated(seed=5)
nodes = lab.add_nodes(8, {"cpu": 16, "memory": "64Gi"})
for name, asks, used in [
    ("web", ("2", "4Gi"), ("300m", "900Mi")),
    ("queue", ("500m", "1Gi"), ("450m", "800Mi")),
    ("cache", ("250m", "512Mi"), ("400m", "700Mi")),
]:
    body = workload("Deployment", name, asks, used, replicas=4)
    portal.run(lab.client.create(DEPLOYMENTS, body, "default"))
agent = workload("DaemonSet", "log-agent", ("200m", "256Mi"), ("40m", "90Mi"))
portal.run(lab.client.create(DAEMON_SETS, agent, "default"))
lab.run(minutes=2)
lab.set_usage("log-agent", nodes[2], cpu="900m", memory="700Mi")
lab.run(hours=2)
RightsizingPanel(lab, "peak")
"""
CHECK = """
web = portal.run(lab.client.get(DEPLOYMENTS, "web", "default"))
print("web asks for", web["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"])
"""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_request_is_changed_and_changed_back_and_the_busy_node_stands_out(page: Page, lab: Lab) -> None:
    write_notebook(lab, "rightsizing.ipynb", PANEL, CHECK, CHECK)
    open_notebook(page, lab, "rightsizing.ipynb")
    run_cell(page, page.locator(CELL).first)
    panel = page.get_by_role("region", name="Rightsizing")
    alert = panel.get_by_role("alert")
    expect(panel.locator(".kl-head .kl-progress-text")).to_have_text(
        re.compile(r"^peak: \d+ could be lower, \d+ too low.*; .[\d.]+ USD/month of requests$")
    )
    first = panel.locator(".kl-sizing tbody tr").first
    expect(first).to_contain_text("default/web: main")
    expect(first.get_by_role("img")).to_have_attribute("aria-label", re.compile("asks for 2000m, uses 300m"))
    panel.get_by_label("Colour by").select_option("use")
    expect(panel.locator(".kl-heat-tiles")).to_have_attribute(
        "aria-label", re.compile(r"^Most on kwok-node-2: 900m; the median node 40m\.")
    )
    take_picture(page, panel, "KUBELAB_RIGHTSIZING_PICTURE")

    detail = panel.locator(".kl-decision")
    expect(detail.locator(".kl-decision-title")).to_have_text("default/web: main")
    expect(detail).to_contain_text("cpu request 2 → 300m")
    for words in ("Apply to this container", "Change it?"):
        panel.get_by_role("button", name=words).press("Enter")
    expect(alert).to_have_text("Changed 1 of 1.")
    run_cell(page, page.locator(CELL).nth(1))
    expect(page.locator(".jp-OutputArea-output").last).to_have_text(re.compile(r"web asks for \d+m"))

    applied = panel.get_by_role("region", name="Applied")
    expect(applied).to_contain_text("default/deployment/web, main: cpu request 2 →")
    for words in ("Undo", "Put it back?"):
        applied.get_by_role("button", name=words, exact=True).press("Enter")
    expect(alert).to_have_text("Put back 1 of 1.")
    expect(applied).to_be_hidden()
    run_cell(page, page.locator(CELL).nth(2))
    expect(page.locator(".jp-OutputArea-output").last).to_have_text("web asks for 2")
