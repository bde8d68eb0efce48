import subprocess
import sys

PROGRAM = """
import ctypes, resource, sys
from kubelab.training.pod.memory import keep_memory

if sys.argv[1] == "keep":
    keep_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
for _ in range(20):
    block = libc.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    libc.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
PAGES = (64 << 20) // 4096


def faults(word: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, word], capture_output=True, check=True, timeout=60)
    return int(done.stdout)


def test_memory_that_is_freed_and_taken_again_is_the_same() -> None:
    assert faults("keep") < faults("leave") / 2
