"""The git commit that a folder is at, read from git's own files: no program is run.

Whether files were changed since is not known: to tell, git would have to look at all of them.
"""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")


def commit_of(folder: Path) -> str:
    """Return the commit's hash; empty outside a repository, and before its first commit."""
    try:
        return _commit_of(folder)
    except (OSError, UnicodeDecodeError):
        return ""


def _commit_of(folder: Path) -> str:
    for place in (folder, *folder.parents):
        mark = place / ".git"
        if mark.is_dir():
            return _head(mark)
        if mark.is_file():  # a worktree or a submodule: gitrepository-layout(5)
            return _head(place / mark.read_text().removeprefix("gitdir:").strip())
    return ""


def _head(git: Path) -> str:
    text = (git / "HEAD").read_text().strip()
    if not text.startswith("ref:"):
        return text if _COMMIT.match(text) else ""
    reference = text.removeprefix("ref:").strip()
    shared = git / "commondir"
    common = git / shared.read_text().strip() if shared.exists() else git
    for path in (git / reference, common / reference):
        if path.is_file():
            return path.read_text().strip()
    packed = common / "packed-refs"
    lines = packed.read_text().splitlines() if packed.exists() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {reference}")), "")
