"""A base made by the command line, and tuned by a job of two processes on the embedded cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubelab import llm
from kubelab.llm import corpus
from kubelab.tuning import choice
from tests.conftest import Lab, connected
from tests.unit.llm.test_hub import CONFIG, model_folder, weights_of

TIMEOUT_S = 240.0


@pytest.mark.slow
def test_a_base_made_once_is_tuned_by_two_processes_of_a_job(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "rhyme.txt").write_text("one two three four five six seven eight\n" * 200)
    command = ["pretrain", "--steps", "3", "--data", str(tmp_path), "--json"]
    made = json.loads(lab.kubelab(*command).stdout)
    assert (made["size"], made["steps"], made["data"]) == ("nano", 3, str(tmp_path))
    assert Path(made["path"]).is_relative_to(lab.home)
    assert f"Base {made['name']}: loss" in lab.kubelab(*command[:-1]).stdout

    with connected(lab.home, "tuning") as cluster:
        args = {"data": "stdlib-prose", "steps": 4, "report_every": 2, "rank": 2}
        job = cluster.train(llm.finetune, args=args, resources={"cpu": "500m"}, **llm.mounted_bases())
        job.wait(TIMEOUT_S, progress=False)
        losses = job.metrics().query("name == 'loss'").sort_values(["rank", "step"])
        assert list(losses["step"]) == [1, 2, 4] * 2
        assert list(losses["value"][:3]) == list(losses["value"][3:])
        assert job.lineage().dataset == f"stdlib-prose {corpus.load('stdlib-prose').fingerprint}"
        assert f"returned <{made['name']} with LoRA 2: 4 steps on stdlib-prose" in job.logs(0)


@pytest.mark.slow
def test_a_hubs_model_is_adopted_by_a_command_and_tuned_on_a_folder_of_text(lab: Lab, tmp_path: Path) -> None:
    changed = {"vocab_size": 256}
    model = model_folder(tmp_path / "Tiny-Llama", weights_of({**CONFIG, **changed}), **changed)
    made = json.loads(lab.kubelab("pretrain", "--from-hub", str(model), "--json").stdout)
    assert (made["size"], made["steps"], made["val_loss"]) == ("Tiny-Llama", 0, None)
    assert lab.kubelab("pretrain", "--from-hub", str(model)).stdout.startswith(
        f"Base {made['name']}: Tiny-Llama"
    )

    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "rhyme.txt").write_text("one two three four five six seven eight\n" * 200)
    with connected(lab.home, "tuning") as cluster:
        sweep = cluster.tune_llm(
            model="Tiny-Llama",
            data=str(texts),
            space={"lr": choice(1e-3, 1e-2)},
            algorithm="grid",
            max_trials=2,
            steps=4,
            resources={"cpu": "500m"},
        ).wait(TIMEOUT_S, progress=False)
        trials = sweep.trials()
        assert list(trials["state"]) == ["Succeeded"] * 2
        assert trials["val_loss"].notna().all()
        (job,) = [each for each in cluster.jobs() if each.name == sweep.best().name]
        assert job.lineage().dataset == f"{texts} {corpus.load(texts).fingerprint}"


def test_an_unknown_size_is_one_plain_line(lab: Lab) -> None:
    refused = lab.kubelab("pretrain", "--size", "huge", check=False)
    assert refused.returncode == 1
    assert "Choose one of: nano (0.3 M)" in refused.stderr
    assert "Traceback" not in refused.stderr
