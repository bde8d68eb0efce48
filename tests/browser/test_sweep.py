"""A reader watches a small sweep in JupyterLab until it has succeeded, and promotes its best trial.

With ``KUBELAB_SWEEP_PICTURE=sweep.png`` a picture of the finished sweep is taken on the way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab
from tests.browser.reader import CELL, open_notebook, run_cell, take_picture, write_notebook

SWEEP = """
import time

from kubelab import Cluster, training
from kubelab.tuning import choice, integer, log, when
from kubelab_widgets import SweepPanel


def descend(lr: float = 0.1, kind: str = "plain", warmup: int = 3, steps: int = 40):
    for step in range(1, steps + 1):
        time.sleep(0.1)
        speed = lr * (2 if kind == "momentum" else 1) * min(1, step / warmup)
        training.report(step=step, loss=2 / (1 + speed * step) + 0.01, speed=speed)


sweep = Cluster.connect().sweep(
    descend,
    space={
        "lr": log(1e-3, 1),
        "kind": choice("plain", "momentum"),
        "warmup": when(integer(2, 9), kind="momentum"),
    },
    objective="loss", metrics=("speed",), max_trials=6, parallel=2, seed=3,
    resources={"cpu": "500m", "memory": "1Gi"},
).pause()
panel = SweepPanel(sweep, promote={"args": {"steps": 60}, "checkpoint_every": None})
panel
"""
CHECK = """
best = sweep.best()
steps = panel.job.wait(120, progress=False).metrics()["step"].max()
print(f"best {best.number} {best.objective:.3g} {steps}")
"""
SWEEP_MS = 180_000

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_sweep_is_watched_until_it_succeeds_and_its_best_trial_promoted(page: Page, lab: Lab) -> None:
    write_notebook(lab, "sweep.ipynb", SWEEP, CHECK)
    open_notebook(page, lab, "sweep.ipynb")
    run_cell(page, page.locator(CELL).first)
    panel = page.get_by_role("region", name="Sweep")
    phase = panel.locator(".kl-head .kl-phase")
    expect(phase).to_have_text("❙❙ Paused")
    panel.get_by_role("button", name="Resume").press("Enter")
    expect(phase).to_have_text("● Running")
    expect(panel.locator(".kl-trials tbody").get_by_text("● Running").first).to_be_visible()
    curves = panel.get_by_role("img").first
    expect(curves).to_have_attribute(
        "aria-label", re.compile("^loss of [1-6] trials? over steps"), timeout=SWEEP_MS
    )
    expect(phase).to_have_text("✓ Succeeded", timeout=SWEEP_MS)
    expect(panel.locator(".kl-trials tbody tr")).to_have_count(6)
    expect(panel.locator(".kl-trials").get_by_text("✓ Succeeded")).to_have_count(6)
    expect(panel.locator(".kl-importances .kl-share").first).to_have_text(re.compile(r"\d+ %"))
    best = panel.locator(".kl-trials tbody tr").first
    number, objective = re.findall(r"\d[\d.]*", best.inner_text())[:2]
    expect(best).to_have_text(re.compile(f"^★ {number}"))
    expect(panel.locator(".kl-progress-text")).to_have_text(f"6/6 trials, best loss {objective}")
    expect(curves).to_have_attribute(
        "aria-label", re.compile(rf"Trial {number}, the best, is at {objective} at step 40")
    )
    take_picture(page, panel, "KUBELAB_SWEEP_PICTURE")

    panel.get_by_role("button", name="Promote best").press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("The best trial runs in full as job descend-")
    run_cell(page, page.locator(CELL).nth(1))
    expect(page.locator(".jp-OutputArea-output").last).to_have_text(f"best {number} {objective} 60")
