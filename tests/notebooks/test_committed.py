"""What the notebooks in the repository hold, checked without running them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks.regenerate import VOLATILE_METADATA, WIDGET, notebooks

CHECKED = "nbval-check-output"
TAGS = {
    "parameters",
    "job",
    CHECKED,
    "nbval-ignore-output",
    "remove-input",
    "remove-cell",
    "solution",
}

each_notebook = pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.name)


def cells(path: Path, kind: str = "code") -> list[NotebookNode]:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    return [cell for cell in book.cells if cell.cell_type == kind]


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def test_there_are_notebooks() -> None:
    assert {
        "01-distributed-jax.ipynb",
        "02-tune-an-llm.ipynb",
        "03-autoscaler-and-expander.ipynb",
        "04-what-a-job-costs.ipynb",
        "07-where-the-money-goes.ipynb",
        "06-daemonset-scopes.ipynb",
        "08-kube-proxy-limits.ipynb",
        "09-dns-limits.ipynb",
        "10-break-it-on-purpose.ipynb",
    } <= {path.name for path in notebooks()}


@each_notebook
def test_every_checked_cell_has_output_to_check(path: Path) -> None:
    checked = [cell for cell in cells(path) if CHECKED in tags(cell)]
    assert checked
    for cell in checked:
        assert cell.execution_count, f"{cell.id} was not run"
        assert any(output.get("text", "").strip() for output in cell.outputs), f"{cell.id} printed nothing"


@each_notebook
def test_every_cell_was_run_once_in_order(path: Path) -> None:
    counts = [cell.execution_count for cell in cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_cells_are_few_and_short(path: Path) -> None:
    assert len(cells(path)) + len(cells(path, "markdown")) <= 25
    for cell in cells(path):
        assert len(cell.source.splitlines()) <= 12, cell.id


@each_notebook
def test_parameters_are_typed_and_explained(path: Path) -> None:
    (cell,) = [cell for cell in cells(path) if "parameters" in tags(cell)]
    for line in cell.source.splitlines():
        name, _, rest = line.partition(":")
        assert name.isidentifier()
        assert "=" in rest
        assert "  # " in rest


@each_notebook
def test_only_known_tags_are_used(path: Path) -> None:
    assert {tag for cell in cells(path) for tag in tags(cell)} <= TAGS


@each_notebook
def test_a_notebook_ends_by_closing_what_it_opened(path: Path) -> None:
    assert ".close()" in cells(path)[-1].source


@each_notebook
def test_outputs_hold_no_widget_models_errors_or_timings(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    for part in (book, *book.cells):
        assert not set(VOLATILE_METADATA) & set(part.metadata)
    for cell in cells(path):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert WIDGET not in output.get("data", {})


@each_notebook
def test_a_committed_notebook_is_small(path: Path) -> None:
    assert path.stat().st_size < 200_000
