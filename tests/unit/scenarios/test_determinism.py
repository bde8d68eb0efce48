"""A scenario played twice is the same to the uid and the cent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


def test_storm_of_one_seed_is_the_same_to_the_uid_and_the_cent() -> None:
    """In processes whose sets and dictionaries are ordered differently."""
    first, again = _played(hashes="1"), _played(hashes="2")
    assert sum(group["status"]["interruptions"] for group in first["nodegroups"])
    assert {decision["spec"]["action"] for decision in first["scalingdecisions"]} >= {
        "ScaleUp",
        "ScaleUpFailed",
    }
    assert first["cost"] > 0
    for kind, objects in first.items():
        assert objects == again[kind], kind


def _played(hashes: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.unit.played_scenario", "spot-storm", "3", "2.5"]
    env = {**os.environ, "PYTHONHASHSEED": hashes}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=250, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
