"""Binder's environment, built from binder/ alone, runs the tutorials within Binder's limits.

As repo2docker does it: the pins first, then postBuild in a copy of the repository, then start. The
notebook runs as an unprivileged user, on one core, with 2 GB of memory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 2 * 1024**3
NOBODY = 65534
CGROUPS = [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def drop() -> list[str]:
    """Return the command prefix that makes a process an ordinary user's."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]


@pytest.fixture(scope="module")
def python() -> str:
    """A Python of runtime.txt's version that the unprivileged user can run."""
    wanted = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    question = "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for candidate in (sys._base_executable, f"/usr/bin/python{wanted}"):
        command = [*drop(), "sh", "-c", 'test -x "$0" && exec "$0" -c "$1"', candidate, question]
        asked = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if asked.stdout.strip() == wanted:
            return candidate
    pytest.skip(f"no Python {wanted} with venv here that user {NOBODY} can run: install python{wanted}-venv")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = Path(os.environ.get("TMPDIR", "/tmp")) / f"kubelab-binder-{os.getpid()}"
    base.mkdir(mode=0o755)
    yield base
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="module")
def repository(home: Path) -> Path:
    """A copy of what git would give Binder."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (home / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / "repo" / name)
    return home / "repo"


@pytest.fixture(scope="module")
def environment(home: Path, repository: Path, python: str) -> dict[str, str]:
    """The environment that binder/start leaves, in a venv that binder/ alone filled."""
    subprocess.run([python, "-m", "venv", home / "venv"], check=True)
    path = f"{home / 'venv/bin'}:/usr/bin:/bin"
    env = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "HTTP", "REQUESTS_"))}
    env |= {"PATH": path, "HOME": str(home / "user"), "LANG": "C.UTF-8"}
    pip = [
        "python",
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-r",
        "binder/requirements.txt",
    ]
    for step in (pip, ["binder/postBuild"]):
        subprocess.run(step, cwd=repository, env=env, check=True)
    (home / "user").mkdir()
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", home / "user", repository], check=True)
    started = subprocess.run(
        ["binder/start", "env"], cwd=repository, env=env, capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in started.stdout.splitlines() if "=" in line)


@pytest.fixture
def memory_limit() -> Iterator[Path | None]:
    """A cgroup with Binder's memory, where this machine lets us make one."""
    for root in CGROUPS:
        group = root / f"kubelab-binder-{os.getpid()}"
        limit = "memory.limit_in_bytes" if root.name == "memory" else "memory.max"
        try:
            group.mkdir()
            (group / limit).write_text(str(MEMORY_BYTES))
        except OSError:
            if group.exists():
                group.rmdir()
            continue
        yield group
        group.rmdir()
        return
    yield None


@pytest.mark.parametrize("tutorial", ["01-distributed-jax", "02-tune-an-llm"])
def test_a_tutorial_runs_in_binders_environment(
    home: Path, repository: Path, environment: dict[str, str], memory_limit: Path | None, tutorial: str
) -> None:
    if memory_limit is None:
        pytest.skip("no writable memory cgroup: the 2 GB limit cannot be set here")
    join = f'echo $$ > {memory_limit}/cgroup.procs && exec "$@"'
    core = str(min(os.sched_getaffinity(0)))
    papermill = ["papermill", f"notebooks/tutorials/{tutorial}.ipynb", str(home / f"user/{tutorial}.ipynb")]
    env = environment | {"KUBELAB_HOME": str(home / "user" / tutorial)}
    try:
        ran = subprocess.run(
            ["sh", "-c", join, "sh", "taskset", "-c", core, *drop(), *papermill],
            cwd=repository, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        peaks = [memory_limit / name for name in ("memory.max_usage_in_bytes", "memory.peak")]
        peak = next(path for path in peaks if path.exists())
        print(f"peak memory {int(peak.read_text()) / 1e6:.0f} MB of {MEMORY_BYTES / 1e6:.0f} MB")
        assert ran.returncode == 0, ran.stderr[-3000:]
        oom = memory_limit / "memory.oom_control"
        events = (oom if oom.exists() else memory_limit / "memory.events").read_text()
        assert "oom_kill 0" in events, events
    finally:
        subprocess.run(
            ["sh", "-c", join, "sh", *drop(), "kubelab", "down", "--name", "lab"],
            cwd=repository,
            env=env,
            check=False,
        )


def test_the_pins_are_those_of_constraints_txt() -> None:
    constraints = set((ROOT / "constraints.txt").read_text().split())
    pins = set((ROOT / "binder/requirements.txt").read_text().split())
    assert pins <= constraints, sorted(pins - constraints)
    assert all("==" in pin for pin in pins)
