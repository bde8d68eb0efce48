"""Python pods that fork from the warm parent look like new interpreters."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kubelab.client import CONFIG_MAPS, SERVICES
from kubelab.engine.nodes.python_main import accepts
from kubelab.engine.nodes.warm import MODULES
from kubelab.engine.nodes.warm_parent import WarmParent

from .conftest import Lab, alive, state_of

_LOOK = """
import json, logging, os, random, signal, sys, threading
print(json.dumps({
    "argv": sys.argv, "env": dict(os.environ), "path": sys.path[:1], "cwd": os.getcwd(),
    "warm": "jax" in sys.modules, "kubelab": sorted(m for m in sys.modules if m.startswith("kubelab")),
    "threads": [t.name for t in threading.enumerate()], "main": __name__,
    "handlers": len(logging.root.handlers),
    "int": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "chld": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, "fds": len(os.listdir("/proc/self/fd")),
    "random": random.random(), "encoding": sys.stdout.encoding, "leader": os.getsid(0) == os.getpid(),
}))
"""


@pytest.mark.parametrize(
    ("argv", "warm"),
    [
        (["python", "-c", "1"], True),
        (["python3", "-m", "x"], True),
        (["python", "train.py", "--lr", "1"], True),
        (["python", "-u", "train.py"], True),
        ([sys.executable, "x.zip"], True),
        (["python", "-O", "x.py"], False),
        (["python"], False),
        (["/usr/bin/python9", "x.py"], False),
        (["sh", "-c", "python x.py"], False),
    ],
)
def test_which_command_lines_fork(argv: list[str], warm: bool) -> None:
    assert accepts(argv, {"PYTHONUNBUFFERED": "1"}) == warm


def test_variables_read_at_start_need_a_new_interpreter() -> None:
    assert not accepts(["python", "x.py"], {"PYTHONHASHSEED": "0"})
    assert not accepts(["python", "x.py"], {"OPENBLAS_NUM_THREADS": "1"})


async def test_forked_python_sees_exactly_its_own(warm_lab: Lab) -> None:
    _, lines = await warm_lab.run("look", "python", "-c", _LOOK, "a", env=[{"name": "MINE", "value": "1"}])
    seen = json.loads(lines[0])
    assert seen["warm"]
    assert seen["argv"] == ["-c", "a"]
    assert seen["path"] == [""]
    assert sorted(seen["env"]) == ["HOME", "HOSTNAME", "LANG", "MINE", "PATH"]
    assert (seen["main"], seen["kubelab"], seen["threads"]) == ("__main__", [], ["MainThread"])
    assert (seen["int"], seen["chld"], seen["leader"]) == (True, True, True)
    assert (seen["handlers"], seen["encoding"]) == (0, "utf-8")
    assert seen["fds"] == 4  # 0, 1, 2 and the listing itself
    _, lines = await warm_lab.run("again", "python", "-c", _LOOK)
    assert json.loads(lines[0])["random"] != seen["random"]


async def test_forked_python_runs_modules_scripts_and_zips(warm_lab: Lab) -> None:
    script = (
        "import sys, kubelab_part\n"
        "if __name__ == '__main__': print(sys.argv[1:], kubelab_part.X, __file__[-9:])"
    )
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code", "namespace": "default"}}
    data = {"script.py": script, "kubelab_part.py": "X = 5", "kubelab.py": "X = 'mine'"}
    await warm_lab.client.create(CONFIG_MAPS, {**body, "data": data})
    where = {
        "volumeMounts": [{"name": "code", "mountPath": "/opt/code-test"}],
        "spec": {"volumes": [{"name": "code", "configMap": {"name": "code"}}]},
    }
    _, lines = await warm_lab.run("script", "python", "/opt/code-test/script.py", "x", **where)
    assert lines == ["['x'] 5 script.py"]
    where["spec"] = {"volumes": [{"name": "code", "configMap": {"name": "code"}}]}
    _, lines = await warm_lab.run(
        "module", "python", "-m", "script", "y", workingDir="/opt/code-test", **where
    )
    assert lines == ["['y'] 5 script.py"]
    zips = "python -m zipfile -c /tmp/x.zip /opt/code-test/kubelab.py && exec python -c"
    code = "import sys; sys.path.insert(0, '/tmp/x.zip'); import kubelab; print(kubelab.X)"
    where["spec"] = {"volumes": [{"name": "code", "configMap": {"name": "code"}}]}
    _, lines = await warm_lab.run("zip", "sh", "-c", f'{zips} "{code}"', **where)
    assert lines == ["mine"]


async def test_forked_python_fails_as_python_does(warm_lab: Lab) -> None:
    pod, lines = await warm_lab.run("raises", "python", "-c", "def f():\n  raise ValueError('no')\nf()")
    assert state_of(pod)["terminated"]["exitCode"] == 1
    assert lines == [
        "Traceback (most recent call last):",
        '  File "<string>", line 3, in <module>',
        '  File "<string>", line 2, in f',
        "ValueError: no",
    ]
    pod, lines = await warm_lab.run("exits", "python", "-c", "import sys; sys.exit('bad input')")
    assert (state_of(pod)["terminated"]["exitCode"], lines) == (1, ["bad input"])
    pod, lines = await warm_lab.run(
        "at-exit", "python", "-c", "import atexit; atexit.register(print, 'last'); exit(9)"
    )
    assert (state_of(pod)["terminated"]["exitCode"], lines) == (9, ["last"])


async def test_jax_flags_of_the_environment_hold(warm_lab: Lab) -> None:
    pytest.importorskip("jax")
    env = [
        {"name": "JAX_ENABLE_X64", "value": "true"},
        {"name": "XLA_FLAGS", "value": "--xla_force_host_platform_device_count=3"},
    ]
    code = "import jax, jax.numpy as jnp; print(jnp.ones(1).dtype, jax.device_count())"
    _, lines = await warm_lab.run("flags", "python", "-c", code, env=env)
    assert lines == ["float64 3"]


_PSUM = """
import os, jax, jax.numpy as jnp, socket, time
size, rank = int(os.environ["JAX_NUM_PROCESSES"]), int(os.environ["JAX_PROCESS_ID"])
host, port = os.environ["JAX_COORDINATOR_ADDRESS"].split(":")
while rank:
    try: socket.create_connection((host, int(port))).close(); break
    except OSError: time.sleep(0.01)
jax.distributed.initialize(os.environ["JAX_COORDINATOR_ADDRESS"], size, rank)
mesh = jax.make_mesh((size,), ("d",))
split = jax.NamedSharding(mesh, jax.P("d"))
ones = jax.make_array_from_callback((size,), split, lambda _: jnp.ones(1) * (rank + 1))
print(float(jax.jit(jnp.sum)(ones)))
"""


async def test_two_jax_jobs_run_side_by_side_on_one_port(warm_lab: Lab) -> None:
    pytest.importorskip("jax")
    for job in ("left", "right"):
        meta = {"name": job, "namespace": "default"}
        spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"job": job}}
        await warm_lab.client.create(
            SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
        )
    names = [(job, rank) for job in ("left", "right") for rank in (0, 1)]
    for job, rank in names:
        env = {
            "JAX_NUM_PROCESSES": "2",
            "JAX_PROCESS_ID": str(rank),
            "JAX_COORDINATOR_ADDRESS": f"{job}-node-0-0.{job}:29500",
        }
        await warm_lab.create(
            f"{job}-{rank}",
            "python",
            "-c",
            _PSUM,
            env=[{"name": name, "value": value} for name, value in env.items()],
            labels={"job": job},
            spec={"hostname": f"{job}-node-0-{rank}", "subdomain": job},
        )
    for job, rank in names:
        pod = await warm_lab.when(f"{job}-{rank}", lambda pod: "terminated" in str(pod["status"]), 120)
        assert pod["status"]["phase"] == "Succeeded", await warm_lab.log(f"{job}-{rank}")
        assert "3.0" in await warm_lab.log(f"{job}-{rank}")


async def test_warm_parent_has_one_thread_and_is_replaced_when_killed(warm_lab: Lab) -> None:
    pid = warm_lab.node.warm_parent_pid
    assert pid is not None
    assert len(os.listdir(f"/proc/{pid}/task")) == 1  # noqa: PTH208 - no paths needed
    os.kill(pid, signal.SIGKILL)
    await warm_lab.until(lambda: warm_lab.node.warm_parent_pid not in {None, pid}, "another warm parent")
    pod, _ = await warm_lab.run("meanwhile", "python", "-c", "pass")
    assert pod["status"]["phase"] == "Succeeded"
    assert not alive(pid)


def test_modules_that_are_kept_warm_start_no_backend() -> None:
    code = f"""
import importlib, sys
for name in {MODULES!r}:
    try: importlib.import_module(name)
    except ImportError: pass
bridge = sys.modules.get("jax._src.xla_bridge")
print(bool(bridge and bridge._backends))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


async def test_an_answer_that_came_too_late_is_not_taken_for_another_pods(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    parent = WarmParent(tmp_path, "node")
    parent._reader, parent._writer = await asyncio.open_connection(sock=ours)
    parent._ready.set()
    theirs.sendall(b'{"directory":"pods/a","pid":1}\n{"directory":"pods/b","pid":2}\n')
    assert await parent.supervise(Path("pods/b"), patient=False) == 2
    parent._writer.close()
    theirs.close()
