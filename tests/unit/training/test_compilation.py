import select
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


TOGETHER = """
import os, sys, time
import jax
from jax._src import compiler
from kubelab.training.pod.compilation import compile_once

compile_anew = compiler.backend_compile_and_load

def slow(*args):
    print("compiles", flush=True)
    sys.stdin.readline()
    return compile_anew(*args)

compiler.backend_compile_and_load = slow
compile_once()
print(jax.jit(lambda x: x * 2 + 1)(1.0), flush=True)
"""


def test_of_two_workers_with_the_same_program_one_compiles_it(tmp_path: Path) -> None:
    env = {
        "PATH": "",
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    first, second = (
        subprocess.Popen(
            [sys.executable, "-c", TOGETHER],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    )
    assert first.stdout is not None and second.stdout is not None
    assert first.stdin is not None
    ready, _, _ = select.select([first.stdout, second.stdout], [], [], 60)
    leader, follower = (first, second) if ready[0] is first.stdout else (second, first)
    told = [process.communicate("\n" * 10, timeout=60)[0].split() for process in (leader, follower)]
    assert told == [["compiles", "3.0"], ["3.0"]]
