"""What a reader of notebooks does: open one, run its cells, look."""

from __future__ import annotations

import os
import re

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
PANEL = ".jp-NotebookPanel:visible"
CELL = f"{PANEL} .jp-Notebook .jp-Cell"
RAN = re.compile(r"\[\d+\]:")


def write_notebook(lab: Lab, name: str, *sources: str) -> None:
    """Put a notebook of these cells into the lab's folder."""
    cells = [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), lab.folder / name)


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    """Open a notebook and wait for its kernel."""
    page.goto(lab.page_of(name))
    expect(page.locator(CELL).first).to_be_visible()
    # The status bar may still speak of the notebook that was open before; the panel's own sign does not.
    expect(page.locator(f"{PANEL} .jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle")


def run_cells(page: Page, count: int) -> None:
    """Run the first cells as a reader does: Shift+Enter, see it done, and on to the next."""
    for place in range(count):
        run_cell(page, page.locator(CELL).nth(place))


def run_cell(page: Page, cell: Locator) -> None:
    """Run one cell. JupyterLab drops what is run while a kernel still starts: a reader presses again."""
    prompt = cell.locator(".jp-InputPrompt")
    for _ in range(10):
        cell.click(position={"x": 5, "y": 5})
        page.keyboard.press("Escape")
        page.keyboard.press("Shift+Enter")
        if "jp-MarkdownCell" in (cell.get_attribute("class") or ""):
            return
        try:
            expect(prompt).not_to_have_text("[ ]:", timeout=3_000)
        except AssertionError:
            continue
        expect(prompt).not_to_have_text("[*]:")
        if RAN.search(prompt.inner_text()):  # else the kernel, only just started, dropped it
            return
    raise AssertionError("the cell does not run")


def take_picture(page: Page, panel: Locator, variable: str) -> None:
    """Save what is seen, where an environment variable says to which file."""
    path = os.environ.get(variable)
    if path:
        page.keyboard.press("Control+b")  # the file browser makes room
        panel.scroll_into_view_if_needed()
        page.screenshot(path=path)
