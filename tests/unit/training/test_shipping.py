from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.training.errors import ArchiveTooLargeError, NotPicklableError
from kubelab.training.pod.entry import MANIFEST, PAYLOAD
from kubelab.training.shipping import archive, survives_json

Importer = Callable[[str], ModuleType]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, as that of a notebook is."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def run(content: bytes, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run an archive with an interpreter that knows neither the project nor this checkout's path."""
    code = folder / "elsewhere" / "code.zip"
    code.parent.mkdir(exist_ok=True)
    code.write_bytes(content)
    command = [sys.executable, str(code)]
    return subprocess.run(
        command, env=env, cwd=code.parent, capture_output=True, text=True, check=False, timeout=60
    )


def names(content: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        return set(zipped.namelist())


SCALE = 3


class Scaler:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, value: int) -> int:
        return self.factor * value


def scaled(value: int) -> int:
    return Scaler(SCALE)(value)


def answer(value: int = 2) -> int:
    return scaled(value) + 1


def test_helpers_classes_and_globals_travel_with_the_function(tmp_path: Path) -> None:
    ended = run(archive(answer, {}).content, tmp_path)
    assert ended.stdout == "returned 7\n", ended.stderr


def describe(**args: Any) -> dict[str, str]:
    return {name: f"{type(value).__name__} {value!r}" for name, value in sorted(args.items())}


def test_arguments_keep_their_types(tmp_path: Path) -> None:
    args = {"a": 1, "b": 1.0, "c": True, "d": None, "e": "x", "f": [1, {"g": 2}], "g": (1, 2), "h": {3}}
    shipped = archive(describe, {**args, "i": np.float32(0.5), "j": float("inf"), "k": {1: "one"}})
    assert json.loads(shipped.args_json) == {name: args[name] for name in "abcdef"}
    ended = run(shipped.content, tmp_path, KUBELAB_ARGS=shipped.args_json)
    expected = describe(**args, i=np.float32(0.5), j=float("inf"), k={1: "one"})
    assert ended.stdout == f"returned {expected!r}\n", ended.stderr


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_survives_json_does(value: Any) -> None:
    assert survives_json(value)
    assert json.loads(json.dumps(value)) == value


def test_the_same_function_gives_the_same_archive() -> None:
    assert archive(answer, {"value": 1}).content == archive(answer, {"value": 1}).content


def test_an_archive_holds_the_pods_side_of_kubelab_only() -> None:
    own = {name for name in names(archive(answer, {}).content) if name.startswith("kubelab/")}
    assert "kubelab/training/pod/run.py" in own
    compiled = {name for name in own if name.endswith(".pyc")}
    assert compiled == {f"{name}c" for name in own - compiled}
    assert not {name.removesuffix("c") for name in own if "/pod/" not in name} - {
        "kubelab/__init__.py",
        "kubelab/clock.py",
        "kubelab/errors.py",
        "kubelab/training/__init__.py",
        "kubelab/values.py",
    }


def imports_what_travels() -> list[str]:
    import sys

    from kubelab import training

    training.context()
    training.report(step=1, loss=0.5)
    heavy = {"jax", "numpy", "pandas", "orjson", "aiohttp", "yaml", "rich", "kubelab.client"}
    return sorted(heavy & set(sys.modules))


def test_a_pod_imports_nothing_that_only_the_launcher_needs(tmp_path: Path) -> None:
    ended = run(archive(imports_what_travels, {}).content, tmp_path)
    assert ended.stdout.endswith("returned []\n"), ended.stdout + ended.stderr


def test_local_modules_travel_with_what_they_import(project: Path, tmp_path: Path) -> None:
    (project / "mine").mkdir()
    (project / "mine/__init__.py").write_text("")
    (project / "mine/model.py").write_text(
        "from . import parts\nfrom .deeper import sizes\nwidth = parts.w * sizes.s\n"
    )
    (project / "mine/parts.py").write_text("w = 3\n")
    (project / "mine/deeper").mkdir()
    (project / "mine/deeper/sizes.py").write_text("import json\ns = 5\n")
    (project / "mine/unused.py").write_text("")
    (project / "lazily.py").write_text("offset = 1\n")
    (project / "notebook.py").write_text(
        "from mine import model\n"
        "raise_here = __name__ == '__main__'\n"
        "def train():\n    import lazily\n    return model.width + lazily.offset\n"
    )
    function = importlib.import_module("notebook").train
    content = archive(function, {}).content
    assert {name for name in names(content) if name.startswith(("mine", "lazily", "notebook"))} == {
        "mine/__init__.py",
        "mine/model.py",
        "mine/parts.py",
        "mine/deeper/__init__.py",
        "mine/deeper/sizes.py",
        "lazily.py",
    }
    assert run(content, tmp_path).stdout == "returned 16\n"


def test_the_functions_own_module_is_not_run_again(project: Path, tmp_path: Path) -> None:
    (project / "script.py").write_text(
        "from kubelab import Cluster\n"
        "from kubelab.client import Client\n"
        "class Model:\n    size = 4\n    def grown(self):\n        return self.size + 1\n"
        "def train():\n    return Model().grown()\n"
    )
    function = importlib.import_module("script").train
    assert run(archive(function, {}).content, tmp_path).stdout == "returned 5\n"


lock = threading.Lock()


def guarded() -> None:
    with lock:
        pass


def calls_guarded() -> None:
    guarded()


@pytest.mark.parametrize(("function", "owner"), [(guarded, "guarded"), (calls_guarded, "guarded")])
def test_what_cannot_be_pickled_is_named_with_its_user(function: Callable[[], None], owner: str) -> None:
    with pytest.raises(NotPicklableError) as caught:
        archive(function, {})
    assert caught.value.name == "lock"
    assert f"'lock' (used by {owner}(), a lock) cannot be sent" in str(caught.value)
    assert "Make it inside the function" in str(caught.value)


def test_a_closure_and_an_argument_are_named_too() -> None:
    handle = threading.Lock()

    def closes_over() -> None:
        handle.acquire()

    with pytest.raises(NotPicklableError, match="'handle'"):
        archive(closes_over, {})
    with pytest.raises(NotPicklableError, match="'value' \\(an argument"):
        archive(answer, {"value": handle})


table = np.random.default_rng(0).random(200_000)


def uses_table() -> float:
    return float(table.sum())


def test_what_is_too_large_is_named_with_its_size() -> None:
    with pytest.raises(ArchiveTooLargeError) as caught:
        archive(uses_table, {})
    assert caught.value.largest[0][0] == "table"
    assert "table (1.53 MiB)" in str(caught.value)
    assert "Load data inside the function" in str(caught.value)


def test_another_python_says_which_one_is_needed(tmp_path: Path) -> None:
    content = archive(answer, {}).content
    source = io.BytesIO(content)
    changed = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "__main__.py":
                data = data.replace(f"WANTED = {sys.version_info[:2]!r}".encode(), b"WANTED = (3, 9)")
            new.writestr(name, data)
    ended = run(changed.getvalue(), tmp_path)
    assert ended.returncode == 1
    assert "the function was pickled by Python 3.9, but this image runs Python 3." in ended.stderr


def test_a_module_that_the_image_lacks_is_named(tmp_path: Path) -> None:
    content = archive(answer, {}).content
    payload = b"cnotfound\ntrain\n."
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, payload if name == PAYLOAD else old.read(name))
    ended = run(changed.getvalue(), tmp_path)
    assert ended.returncode == 1
    assert "needs the module 'notfound', which this image does not have" in ended.stderr


def test_a_functions_text_travels_for_its_traceback() -> None:
    with zipfile.ZipFile(io.BytesIO(archive(answer, {}).content)) as zipped:
        manifest = json.loads(zipped.read(MANIFEST))
    assert "def answer" in manifest["sources"][__file__]
    assert manifest["labels"][__file__] == "test_shipping.py"
    assert manifest["defaults"] == {"value": 2}


CELLS = """
import io, json, zipfile
from IPython.core.interactiveshell import InteractiveShell
from kubelab.training.shipping import archive
shell = InteractiveShell.instance()
shell.run_cell("factor = 3", store_history=True)
shell.run_cell("def helper(x):\\n    return factor * x", store_history=True)
shell.run_cell("def train(x=2):\\n    return helper(x)", store_history=True)
shipped = archive(shell.user_ns["train"], {})
manifest = json.loads(zipfile.ZipFile(io.BytesIO(shipped.content)).read("manifest.json"))
print(sorted(manifest["labels"].values()))
print(all(manifest["sources"].values()))
"""


def test_code_from_cells_is_called_by_its_cells() -> None:
    command = [sys.executable, "-c", CELLS]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.splitlines()[-2:] == ["['Cell In[2]', 'Cell In[3]']", "True"]


def exits(code: int) -> None:
    sys.exit(code)


@pytest.mark.parametrize("code", [0, 3])
def test_an_asked_for_exit_keeps_its_code(tmp_path: Path, code: int) -> None:
    shipped = archive(exits, {"code": code})
    assert run(shipped.content, tmp_path, KUBELAB_ARGS=shipped.args_json).returncode == code


def fails_deeply() -> None:
    try:
        json.loads("{")
    except json.JSONDecodeError as error:
        raise RuntimeError("the settings are broken") from error


def test_a_traceback_keeps_its_cause_and_drops_the_librarys_frames(tmp_path: Path) -> None:
    ended = run(archive(fails_deeply, {}).content, tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.count('File "test_shipping.py"') == 2
    assert "json/decoder.py" not in ended.stderr
    assert "JSONDecodeError" in ended.stderr
    assert ended.stderr.rstrip().endswith("RuntimeError: the settings are broken")
    whole = run(archive(fails_deeply, {}).content, tmp_path, KUBELAB_FULL_TRACEBACK="1")
    assert "json/decoder.py" in whole.stderr
