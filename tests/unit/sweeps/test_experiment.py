from kubelab.sweeps.experiment import experiment, request_of
from kubelab.training.request import JobRequest
from kubelab.tuning import EarlyStopping, Problem, Space, choice, log, uniform, when
from kubelab.tuning.space import CONDITIONS_ANNOTATION

REQUEST = JobRequest("digits", "lab", "train", num_nodes=1, args_json='{"steps": 5}', code="digits-code")
PROBLEM = Problem(
    Space(
        {
            "lr": log(1e-4, 1e-1),
            "optimizer": choice("sgd", "adam"),
            "momentum": when(uniform(0, 1), optimizer="sgd"),
        }
    ),
    "loss",
    goal=0.01,
    algorithm="tpe",
    settings={"gamma": "0.2"},
    max_trials=12,
    parallel=2,
    additional_metrics=("accuracy",),
    early_stopping=EarlyStopping("medianstop", {"start_step": "4"}),
)
MADE = experiment("digits", PROBLEM, REQUEST, max_failed=3)


def test_an_experiment_reads_back_as_the_search_it_was_made_from() -> None:
    found = Problem.from_experiment(MADE)
    assert found.parameters == PROBLEM.parameters
    assert (found.objective, found.goal, found.additional_metrics) == ("loss", 0.01, ("accuracy",))
    assert (found.algorithm, found.settings) == ("tpe", {"gamma": "0.2"})
    assert found.early_stopping == PROBLEM.early_stopping
    assert (found.max_trials, found.parallel) == (12, 2)


def test_each_parameter_fills_in_a_variable_of_its_own() -> None:
    template = MADE["spec"]["trialTemplate"]
    assert template["trialParameters"][0] == {"name": "lr", "reference": "lr"}
    variables = {each["name"]: each["value"] for each in template["trialSpec"]["spec"]["trainer"]["env"]}
    assert variables["KUBELAB_ARG_lr"] == "${trialParameters.lr}"
    assert variables["KUBELAB_ARGS"] == '{"steps": 5}'


def test_trials_share_the_code_of_the_sweep() -> None:
    assert '"digits-code"' in str(MADE["spec"]["trialTemplate"]["trialSpec"]).replace("'", '"')


def test_the_template_leaves_the_name_to_the_trial() -> None:
    assert not {"name", "namespace"} & MADE["spec"]["trialTemplate"]["trialSpec"]["metadata"].keys()


def test_conditions_travel_in_an_annotation() -> None:
    assert MADE["metadata"]["annotations"][CONDITIONS_ANNOTATION] == '{"momentum": {"optimizer": ["sgd"]}}'


def test_what_a_trial_is_made_from_reads_back() -> None:
    assert request_of(MADE) == REQUEST
    assert request_of({"metadata": {}}) is None
