"""Control groups as folders, which others make and remove meanwhile."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from kubelab.engine.nodes.cgroups import Hierarchy, members


def test_groups_that_go_while_they_are_looked_through_have_no_members(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("7\n8\n")
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for number in range(20):
                (tmp_path / f"{number}/main").mkdir(parents=True)
            for number in range(20):
                shutil.rmtree(tmp_path / str(number))

    churn = threading.Thread(target=come_and_go)
    churn.start()
    try:
        assert all(members(Hierarchy(1, str(tmp_path), "")) == {7, 8} for _ in range(300))
    finally:
        over.set()
        churn.join()
