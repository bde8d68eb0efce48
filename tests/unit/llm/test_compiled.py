from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import jax
from kubelab.llm.compiled import share_what_is_compiled

share_what_is_compiled()
print(jax.config.jax_compilation_cache_dir)
"""


def cache_used(home: Path, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KUBELAB_HOME": str(home), **env},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_a_notebook_uses_the_cache_of_the_labs_pods_once_there_is_one(tmp_path: Path) -> None:
    assert cache_used(tmp_path) == "None"
    place = tmp_path / ".cache" / "jax"
    place.mkdir(parents=True)
    assert cache_used(tmp_path) == str(place)


def test_a_cache_of_the_users_own_stays(tmp_path: Path) -> None:
    (tmp_path / ".cache" / "jax").mkdir(parents=True)
    assert cache_used(tmp_path, JAX_COMPILATION_CACHE_DIR="/elsewhere") == "/elsewhere"
