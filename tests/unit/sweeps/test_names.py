import re

from kubelab.sweeps.names import PAUSED_ANNOTATION, is_annotated, trial_name


def experiment(uid: str = "a") -> dict[str, object]:
    return {"metadata": {"name": "sweep", "namespace": "default", "uid": uid}}


def test_trials_are_named_like_their_experiment_with_eight_more_characters() -> None:
    assert re.fullmatch(r"sweep-[bcdfghjklmnpqrstvwxz2456789]{8}", trial_name(experiment(), 0))


def test_the_name_of_a_number_is_always_the_same_and_no_other_numbers() -> None:
    names = [trial_name(experiment(), number) for number in range(1000)]
    assert names == [trial_name(experiment(), number) for number in range(1000)]
    assert len(set(names)) == 1000
    assert trial_name(experiment("b"), 0) != names[0], (
        "an Experiment that was made anew has trials of its own"
    )


def test_an_annotation_counts_unless_it_says_false() -> None:
    def annotated(**annotations: str) -> bool:
        return is_annotated({"metadata": {"annotations": annotations}}, PAUSED_ANNOTATION)

    assert annotated(**{PAUSED_ANNOTATION: "true"})
    assert not annotated(**{PAUSED_ANNOTATION: "false"})
    assert not annotated()
