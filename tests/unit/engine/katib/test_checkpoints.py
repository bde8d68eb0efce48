import subprocess
from pathlib import Path

import pytest

from kubelab.client import Object
from kubelab.engine.controllers.katib.objects import run_object, trial_object
from kubelab.engine.katib import checkpoints
from kubelab.tuning.suggestion.pbt import PARENT_LABEL
from tests.unit.engine.controllers.sweeps import experiment

ALGORITHM = {
    "algorithmName": "pbt",
    "algorithmSettings": [{"name": "suggestion_trial_dir", "value": "/ckpt"}],
}
ASSIGNED = [{"name": "lr", "value": "0.5"}]


def pod_spec(name: str = "sweep-child", **suggested: object) -> Object:
    of = experiment(algorithm=ALGORITHM)
    suggestion = {"name": name, "parameterAssignments": ASSIGNED, **suggested}
    trial = trial_object(of, suggestion, of["spec"]["trialTemplate"]["trialSpec"])
    found: Object = run_object(trial, {"uid": "1"})["spec"]["template"]["spec"]
    return found


def test_a_trial_finds_a_folder_of_its_own_where_the_setting_says() -> None:
    spec = pod_spec()
    (container,) = spec["containers"]
    (mount,) = container["volumeMounts"]
    assert (mount["mountPath"], mount["subPath"]) == ("/ckpt", "sweep-child")
    (volume,) = spec["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "sweep-pbt"}
    assert checkpoints.claim(experiment(algorithm=ALGORITHM))["metadata"]["name"] == "sweep-pbt"
    assert "initContainers" not in spec, "who has no parent has nothing to copy"


def test_searches_without_the_setting_have_no_volume() -> None:
    of = experiment()
    trial = trial_object(
        of, {"name": "a", "parameterAssignments": ASSIGNED}, of["spec"]["trialTemplate"]["trialSpec"]
    )
    assert checkpoints.directory_of(of) == ""
    assert "volumes" not in run_object(trial, {"uid": "1"})["spec"]["template"]["spec"]


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    (tmp_path / "sweep-parent").mkdir()
    (tmp_path / "sweep-parent" / "state").write_text("learned")
    return tmp_path


def copy(volume: Path, parent: str = "sweep-parent", host: str = "worker-0") -> None:
    """Run the init container's command over a volume that is found elsewhere."""
    (init,) = pod_spec(labels={PARENT_LABEL: parent})["initContainers"]
    (mount,) = init["volumeMounts"]
    command = [word.replace(mount["mountPath"], str(volume)) for word in init["command"]]
    subprocess.run(command, env={"PATH": "/usr/bin:/bin", "HOSTNAME": host}, check=True)


def test_a_child_begins_with_what_its_parent_left(volume: Path) -> None:
    (volume / "sweep-child").mkdir()  # as a node may make it before
    copy(volume)
    assert (volume / "sweep-child" / "state").read_text() == "learned"


def test_what_a_child_has_saved_itself_is_not_copied_over(volume: Path) -> None:
    copy(volume)
    (volume / "sweep-child" / "state").write_text("learned more")
    copy(volume, host="worker-1")
    assert (volume / "sweep-child" / "state").read_text() == "learned more"
    assert sorted(each.name for each in volume.iterdir()) == ["sweep-child", "sweep-parent"]


def test_a_parent_that_left_nothing_is_no_failure(volume: Path) -> None:
    copy(volume, parent="sweep-other")
    assert not (volume / "sweep-child").exists()
