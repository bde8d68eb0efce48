"""Run the notebooks and keep their outputs: ``make notebooks``, or with names for some of them.

Outputs in the repository come from here only. What differs from run to run without meaning anything
(timings, widget models) is left out, so that a change of outputs is a change of behaviour.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
FOLDERS = ("tutorials", "walkthrough")
VOLATILE_METADATA = ("execution", "papermill", "widgets", "ExecuteTime")
WIDGET = "application/vnd.jupyter.widget-view+json"
TIMEOUT_S = 300


def notebooks() -> list[Path]:
    """Return the notebooks whose outputs are committed."""
    return [path for folder in FOLDERS for path in sorted((ROOT / "notebooks" / folder).glob("*.ipynb"))]


def execute(path: Path) -> NotebookNode:
    """Run a notebook from its first cell to its last and return it with its outputs."""
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    return clean(book)


def clean(book: NotebookNode) -> NotebookNode:
    """Drop what means nothing in another run; a widget stays as the HTML that stands for it."""
    for part in (book, *book.cells):
        for name in VOLATILE_METADATA:
            part.metadata.pop(name, None)
    for cell in book.cells:
        cell.get("outputs", [])[:] = [kept for output in cell.get("outputs", []) if (kept := still(output))]
    book.metadata.language_info = NotebookNode(name="python")
    return book


def still(output: NotebookNode) -> NotebookNode | None:
    """Return an output as it is without a kernel, or None where nothing is left."""
    if output.output_type == "stream" and output.name == "stderr":
        return None
    if "data" in output:
        output.data.pop(WIDGET, None)
        output.metadata.pop(WIDGET, None)
    return output


def main() -> int:
    """Regenerate the notebooks that are named, or all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.regenerate", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks; all unless named")
    chosen = parser.parse_args().paths or notebooks()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="kubelab-") as home:
        os.environ["KUBELAB_HOME"] = home
        try:
            for path in chosen:
                sys.stdout.write(f"{path.name} ...\n")
                sys.stdout.flush()
                nbformat.write(execute(path), path)
        finally:
            from kubelab.engine import launch

            launch.down("lab")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
