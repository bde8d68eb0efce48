"""A newcomer opens the first notebook in JupyterLab, presses Launch, and watches the job learn.

With ``KUBELAB_PICTURE=notebooks/tutorials/jax-job-panel.png`` the README's picture is taken on the way.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab
from tests.browser.reader import open_notebook, run_cells, take_picture, write_notebook

TUTORIAL = "tutorials/01-distributed-jax.ipynb"
ATTACH = """
from kubelab import Cluster
from kubelab_widgets import JaxJobPanel

JaxJobPanel(Cluster.connect().jobs()[-1])
"""
LOSS = re.compile(r"^loss.*?: (\S+) at step (\d+), now (\S+) at step (\d+)\.")
JOB_MS = 120_000

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def cells_up_to(notebook: Path, source: str) -> int:
    """Return how many cells there are up to the first that holds ``source``."""
    cells = nbformat.read(notebook, as_version=4).cells
    return next(place for place, cell in enumerate(cells, 1) if source in cell.source)


def loss_of(panel: Locator) -> tuple[float, float, int]:
    """Return the first loss, the latest, and the latest step, as a screen reader hears them."""
    said = panel.get_by_role("img").first.get_attribute("aria-label") or ""
    found = LOSS.match(said)
    assert found, said
    return float(found[1]), float(found[3]), int(found[4])


def test_launch_is_pressed_and_the_loss_falls_until_the_job_succeeds(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, TUTORIAL)
    run_cells(page, cells_up_to(lab.folder / TUTORIAL, "JaxJobPanel(cluster"))
    panel = page.get_by_role("region", name="JAX job")
    expect(panel.get_by_label("Processes")).to_have_value("2")
    expect(panel.get_by_label("lr")).to_have_value("0.003")
    panel.get_by_role("button", name="Launch").press("Enter")
    expect(panel.locator(".kl-workers").get_by_text("● Running")).to_have_count(2, timeout=JOB_MS)
    expect(panel.get_by_role("img").first).to_have_attribute("aria-label", LOSS, timeout=JOB_MS)
    early = loss_of(panel)
    expect(panel.locator(".kl-progress-text")).to_contain_text(re.compile(r"step 2\d0/300"), timeout=JOB_MS)
    take_picture(page, panel, "KUBELAB_PICTURE")
    expect(panel.locator(".kl-head .kl-phase")).to_have_text("✓ Succeeded", timeout=JOB_MS)
    first, last, step = loss_of(panel)
    assert step == 300
    assert last < 0.2 < early[0] == first
    expect(panel.locator(".kl-log")).to_contain_text("accuracy=0.9")
    expect(panel.get_by_role("alert")).to_be_hidden()

    write_notebook(lab, "attach.ipynb", ATTACH)
    open_notebook(page, lab, "attach.ipynb")
    run_cells(page, 1)
    again = page.get_by_role("region", name="JAX job")
    expect(again.locator(".kl-head .kl-phase")).to_have_text("✓ Succeeded")
    expect(again.get_by_role("img").first).to_have_attribute("aria-label", LOSS)
    assert loss_of(again) == (first, last, step)
    expect(again.get_by_role("button", name="Launch")).to_be_hidden()
