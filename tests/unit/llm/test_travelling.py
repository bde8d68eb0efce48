"""What a pod needs of `kubelab.llm` travels with the function, and two workers train as one would."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubelab import llm
from kubelab.llm.corpus import Corpus
from kubelab.llm.train import pretrain
from kubelab.training.metrics import parse_metrics
from kubelab.training.shipping import archive
from tests.unit.training.conftest import Ended, Workers

from .conftest import TINY


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    return Workers(tmp_path)


def losses(ended: Ended) -> dict[int, float]:
    assert ended.exit_code == 0, ended.output
    return {m.step: m.value for m in parse_metrics(ended.lines, ended.rank) if m.name == "loss" and m.step}


def imports_inside() -> None:
    from kubelab.llm import pretrain

    pretrain(steps=1)


def refers_to_the_package() -> None:
    llm.pretrain(steps=1)


def does_not_use_it() -> None:
    pass


def parts(function: Callable[..., Any]) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(archive(function, {}).content)) as zipped:
        return {name for name in zipped.namelist() if name.startswith("kubelab/llm/")}


@pytest.mark.parametrize("function", [pretrain, imports_inside, refers_to_the_package])
def test_the_package_travels_however_a_function_reaches_it(function: Callable[..., Any]) -> None:
    folder = Path(llm.__file__).parent
    needed = {
        "__init__",
        "config",
        "corpus",
        "errors",
        "fit",
        "lora",
        "model",
        "program",
        "sampling",
        "train",
    }
    assert {f"kubelab/llm/{name}.py" for name in needed} <= parts(function)
    assert parts(function) <= {f"kubelab/llm/{path.name}" for path in folder.glob("*.py")}


def test_it_stays_at_home_with_functions_that_do_not_use_it() -> None:
    assert not parts(does_not_use_it)


def test_importing_names_brings_in_nothing_heavy() -> None:
    code = (
        "import sys, kubelab.llm; print([n for n in ('jax', 'flax', 'numpy', 'orbax') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def learn(data: str, steps: int, schedule: str = "cosine") -> Any:
    """Train a model of the tests' shape, which travels as a value."""
    options = {"batch": 4, "schedule": schedule, "report_every": 1}
    return llm.pretrain(TINY, steps, data, **options)


@pytest.mark.slow
def test_two_workers_learn_what_one_would(workers: Workers, rhyme: Corpus) -> None:
    first, second = workers.run(learn, data=rhyme.name, steps=4)
    assert losses(first) == losses(second)
    found: dict[int, float] = {}
    pretrain(
        TINY,
        4,
        rhyme,
        batch=4,
        report_every=1,
        report=lambda **each: found.update({each["step"]: each["loss"]}),
    )
    assert losses(first) == pytest.approx(found, rel=1e-3)
    assert first.lines[-1].startswith("returned <GPT of 0.0 M: 4 steps on ")


@pytest.mark.slow
def test_a_training_goes_on_from_its_checkpoint(workers: Workers, rhyme: Corpus) -> None:
    options = {"data": rhyme.name, "schedule": "constant"}
    (before,) = workers.run(learn, 1, steps=6, **options)
    assert list(losses(before)) == [1, 2, 3, 4, 5, 6]
    (after,) = workers.run(learn, 1, steps=8, **options)
    again = {m.step: m.value for m in parse_metrics(after.lines) if (m.name, m.attempt) == ("loss", 1)}
    assert list(again) == [6, 7, 8]  # step 5 was saved
    assert again[6] == pytest.approx(losses(before)[6], rel=1e-4)


def test_without_bases_a_pod_says_how_to_mount_them(workers: Workers) -> None:
    (ended,) = workers.run(llm.finetune, 1)
    assert ended.exit_code == 1
    assert "cluster.train(..., **llm.mounted_bases())" in ended.output
