"""Where the notebooks are: beside the code in a checkout, inside the package when installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import kubelab
from kubelab.errors import KubelabError

_PACKAGE = Path(kubelab.__file__).parent


class ReportNotFoundError(KubelabError):
    """No report of that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"there is no report {name!r}. There are: {', '.join(known) or 'none'}.")


def notebook_folder() -> Path:
    """Return the folder with ``tutorials``, ``walkthrough`` and ``reports``."""
    carried = _PACKAGE / "notebooks"
    return carried if carried.exists() else _PACKAGE.parent / "notebooks"


def open_folder(target: Path | None = None) -> Path:
    """Return a folder of notebooks that the user may change.

    In a checkout that is the checkout's own. Elsewhere the notebooks are copied to ``target``
    (``kubelab-notebooks`` in the current folder); what is there already is kept.
    """
    source = notebook_folder()
    if target is None and source.parent != _PACKAGE:
        return source
    folder = target or Path.cwd() / "kubelab-notebooks"
    for original in sorted(source.rglob("*")):
        copy = folder / original.relative_to(source)
        if original.is_file() and not copy.exists() and ".ipynb_checkpoints" not in original.parts:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, copy)
    return folder


def report_path(name: str) -> Path:
    """Return the notebook of a report, by its name or by a path to a notebook.

    Raises
    ------
    ReportNotFoundError
        If there is none; the message lists those that exist.
    """
    if name.endswith(".ipynb") and Path(name).exists():
        return Path(name)
    reports = {path.stem: path for path in sorted((notebook_folder() / "reports").glob("*.ipynb"))}
    if name not in reports:
        raise ReportNotFoundError(name, list(reports))
    return reports[name]
