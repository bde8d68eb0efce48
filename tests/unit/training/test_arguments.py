from kubelab.training.pod.arguments import read_arguments


def test_an_argument_with_a_variable_of_its_own_goes_before_the_others() -> None:
    env = {"KUBELAB_ARGS": '{"lr": 0.1, "steps": 5}', "KUBELAB_ARG_lr": "0.01", "HOME": "/"}
    assert read_arguments(env) == {"lr": 0.01, "steps": 5}


def test_an_argument_whose_variable_is_empty_is_left_to_its_default() -> None:
    assert read_arguments({"KUBELAB_ARG_momentum": ""}) == {}
