"""A reader watches a simulated fleet in JupyterLab: plays, pauses, steps, and looks at pods and nodes.

With ``KUBELAB_FLEET_PICTURE=fleet.png`` a picture of the large fleet is taken on the way. The second test
prints how many frames a second Chromium draws while the fleet changes, and what travels to the page.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, run_cells, take_picture, write_notebook

SMALL = """
from kubelab import Cluster
from kubelab.scenarios import web_day
from kubelab_widgets import FleetView

lab = Cluster.simulated(seed=3)
lab.autoscale()
lab.play(web_day())
FleetView(lab)
"""
LARGE = """
from kubelab import Cluster
from kubelab.scenarios.groups import groups
from kubelab.scenarios.objects import deployment, namespace, scale
from kubelab.scenarios.scenario import scenario
from kubelab_widgets import FleetView

types = ("m6i.2xlarge", "c6i.4xlarge", "r6i.2xlarge", "m6i.4xlarge")
fleet = groups(types, min_size=250, max_size=300, provisioning_delay_s=0)
actions = [namespace(f"team-{n}", "research") for n in range(5)]
for n in range(20):
    where = f"team-{n % 5}"
    actions.append(deployment(10, f"service-{n}", where, 500, {"cpu": "500m", "memory": "1Gi"}))
for k in range(20_000):
    actions.append(scale(40 + k, f"service-{k % 20}", f"team-{k % 5}", 490 + 10 * (k // 20 % 2)))
lab = Cluster.simulated(seed=3)
lab.play(scenario("large", "Services.", seed=0, hours=12, node_groups=fleet, actions=actions))
lab.run(seconds=30)
FleetView(lab)
"""
NOW = "print(lab.now)"
MEASURE = """
async (seconds) => {
  const canvas = document.querySelector(".kl-fleet-canvas");
  const gaps = [];
  let last = performance.now();
  const end = last + 1000 * seconds;
  await new Promise((done) => {
    const frame = (now) => {
      gaps.push(now - last);
      last = now;
      const box = canvas.getBoundingClientRect();
      canvas.dispatchEvent(new PointerEvent("pointermove",
        { clientX: box.left + (7 * gaps.length) % box.width, clientY: box.top + 120, bubbles: true }));
      if (now < end) requestAnimationFrame(frame); else done();
    };
    requestAnimationFrame(frame);
  });
  gaps.sort((a, b) => a - b);
  return { mean: 1000 * gaps.length / gaps.reduce((a, b) => a + b, 0),
           slowest: gaps[Math.floor(0.99 * gaps.length)] };
}
"""
SECONDS = 10
LOADING_MS = 300_000

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def test_time_is_stepped_played_and_paused_and_every_node_and_pod_tells_of_itself(
    page: Page, lab: Lab
) -> None:
    write_notebook(lab, "fleet.ipynb", SMALL, NOW)
    open_notebook(page, lab, "fleet.ipynb")
    run_cell(page, page.locator(CELL).first)
    view = page.get_by_role("region", name="Fleet")
    counts = view.locator(".kl-head .kl-progress-text")
    now = view.locator(".kl-now")
    expect(counts).to_contain_text("0 nodes")
    expect(now).to_have_text(re.compile("2026-01-01 00:00:"))
    view.get_by_label("Length of a step").select_option("600")
    view.get_by_role("button", name="Step").press("Enter")
    expect(now).to_have_text(re.compile("2026-01-01 00:10:"))
    expect(counts).to_have_text(re.compile(r"[1-9]\d* nodes, [1-9]\d* pods, 0 pending"))
    expect(view.locator(".kl-money")).to_have_text(
        re.compile(r"^[\d.]+ USD/h·[\d.]+ USD since 2026-01-01 00:0\d:\d\d UTC·prices of 20\d\d-\d\d-\d\d$")
    )
    view.get_by_label("Speed of time").select_option("60")
    view.get_by_role("button", name="Play").press("Enter")
    expect(now).to_have_text(re.compile("2026-01-01 00:1[1-9]:"))
    view.get_by_role("button", name="Pause").press("Enter")
    expect(view.get_by_role("button", name="Play")).to_be_visible()
    run_cell(page, page.locator(CELL).nth(1))
    stopped = page.locator(".jp-OutputArea-output").last.inner_text()[:19]
    expect(now).to_have_text(f"{stopped} UTC")

    picture, detail = view.get_by_role("img"), view.locator(".kl-fleet-detail")
    expect(picture).to_have_attribute(
        "aria-label", re.compile(r"^\d+ nodes in \d+ groups with \d+ pods; 0 pods")
    )
    picture.press("ArrowRight")
    expect(detail).to_have_text(
        re.compile(r"^Node \S+ \(\S+, on-demand\): Ready, .+ USD/h \(20\d\d-\d\d-\d\d\)$")
    )
    picture.press("ArrowUp")
    expect(detail).to_have_text(
        re.compile(r"^Pod web/service-\d+-\S+ of service-\d+: Running, asks for .+ % of node")
    )
    picture.press("Escape")
    expect(detail).to_contain_text("Point at a column")
    expect(view.get_by_role("alert")).to_be_hidden()


def test_a_thousand_nodes_and_ten_thousand_pods_are_drawn_while_they_change(
    page: Page, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    received: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: received.append(len(frame)))

    page.on("websocket", listen)
    expect.set_options(timeout=LOADING_MS)  # ten thousand pods take a while to be created
    write_notebook(lab, "large.ipynb", LARGE)
    open_notebook(page, lab, "large.ipynb")
    run_cells(page, 1)
    view = page.get_by_role("region", name="Fleet")
    expect(view.locator(".kl-head .kl-progress-text")).to_have_text(
        "1000 nodes, 10000 pods, 0 pending", timeout=LOADING_MS
    )
    now = view.locator(".kl-now")
    view.get_by_label("Speed of time").select_option("60")
    before = now.inner_text()
    view.get_by_role("button", name="Play").press("Enter")
    expect(now).not_to_have_text(before)
    received.clear()
    frames = page.evaluate(MEASURE, SECONDS)
    messages, size = len(received), sum(received)
    view.get_by_role("button", name="Pause").press("Enter")
    take_picture(page, view, "KUBELAB_FLEET_PICTURE")
    with capsys.disabled():
        print(
            f"\n1,000 nodes, 10,000 pods, time playing: {frames['mean']:.0f} frames/s, "
            f"slowest of a hundred {frames['slowest']:.0f} ms; "
            f"{messages / SECONDS:.1f} messages/s, {size / SECONDS / 1000:.0f} kB/s"
        )
    assert messages > 0
    expect(view.get_by_role("alert")).to_be_hidden()
