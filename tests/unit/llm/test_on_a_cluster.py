"""A base made by the command line, and tuned by a job of two processes on the embedded cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubelab import Cluster, llm
from kubelab.llm import corpus
from tests.conftest import Lab

TIMEOUT_S = 240.0


@pytest.mark.slow
def test_a_base_made_once_is_tuned_by_two_processes_of_a_job(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rhyme.txt").write_text("one two three four five six seven eight\n" * 200)
    command = ["pretrain", "--steps", "3", "--data", str(tmp_path), "--json"]
    made = json.loads(lab.kubelab(*command).stdout)
    assert (made["size"], made["steps"], made["data"]) == ("nano", 3, str(tmp_path))
    assert Path(made["path"]).is_relative_to(lab.home)
    assert f"Base {made['name']}: loss" in lab.kubelab(*command[:-1]).stdout

    monkeypatch.setenv("KUBELAB_HOME", str(lab.home))
    monkeypatch.setenv("KUBECONFIG", "")
    lab.up("tuning")
    with Cluster.connect("tuning") as cluster:
        args = {"data": "stdlib-prose", "steps": 4, "report_every": 2, "rank": 2}
        job = cluster.train(llm.finetune, args=args, resources={"cpu": "500m"}, **llm.mounted_bases())
        job.wait(TIMEOUT_S, progress=False)
        losses = job.metrics().query("name == 'loss'").sort_values(["rank", "step"])
        assert list(losses["step"]) == [1, 2, 4] * 2
        assert list(losses["value"][:3]) == list(losses["value"][3:])
        assert job.lineage().dataset == f"stdlib-prose {corpus.load('stdlib-prose').fingerprint}"
        assert f"returned <{made['name']} with LoRA 2: 4 steps on stdlib-prose" in job.logs(0)


def test_an_unknown_size_is_one_plain_line(lab: Lab) -> None:
    refused = lab.kubelab("pretrain", "--size", "huge", check=False)
    assert refused.returncode == 1
    assert "Choose one of: nano (0.3 M)" in refused.stderr
    assert "Traceback" not in refused.stderr
