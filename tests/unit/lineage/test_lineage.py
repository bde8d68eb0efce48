from pathlib import Path

from kubelab.lineage import Lineage, record


def run(checkpoints: str) -> Lineage:
    return Lineage("1", "digits", "FINISHED", "sqlite://", tags={record.CHECKPOINTS: checkpoints})


def test_the_checkpoints_that_are_there_are_listed_by_their_steps(tmp_path: Path) -> None:
    for name in ("50", "100", "150.orbax-checkpoint-tmp", "notes"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert run(f"file://{tmp_path}").checkpoint_steps == (50, 100)


def test_checkpoints_elsewhere_are_not_listed(tmp_path: Path) -> None:
    assert run("").checkpoint_steps == ()
    assert run("claim default/digits-checkpoints").checkpoint_steps == ()
    assert run(f"file://{tmp_path}/gone").checkpoint_steps == ()
