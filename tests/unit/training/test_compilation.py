import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import jax, sys
from jax._src import distributed
from kubelab.training.pod.compilation import keep_what_is_compiled

distributed.global_state.process_id = 1
if sys.argv[1] == "keep":
    keep_what_is_compiled()
jax.jit(lambda x: x * 2 + 1)(1.0)
"""


@pytest.mark.parametrize(("word", "kept"), [("keep", True), ("leave", False)])
def test_a_worker_of_any_rank_keeps_what_it_compiled(tmp_path: Path, word: str, kept: bool) -> None:
    env = {
        "PATH": "",
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }
    subprocess.run([sys.executable, "-c", PROGRAM, word], env=env, check=True, timeout=60)
    assert bool(list(tmp_path.iterdir())) is kept
