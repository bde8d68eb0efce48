"""What is wrong with a sweep is said before anything is created."""

from collections.abc import Iterator
from typing import Any

import pytest

from kubelab import portal
from kubelab.client import CONFIG_MAPS, EXPERIMENTS, Client
from kubelab.errors import KubelabError, NotFoundError
from kubelab.sweeps.launch import attach, launch
from kubelab.tuning import choice, log, uniform
from tests.unit.conftest import JobWorld


def train(lr: float = 0.1, width: int = 8) -> None:
    """Do nothing."""


@pytest.fixture
def client(world: JobWorld) -> Iterator[Client]:
    return world.client


def made(client: Client) -> int:
    experiments = portal.run(client.list(EXPERIMENTS)).items
    code = [each for each in portal.run(client.list(CONFIG_MAPS)).items if each.get("binaryData")]
    return len(experiments) + len(code)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"space": {}}, "no parameters"),
        ({"space": {"lr": 0.1}}, "is no parameter"),
        ({"space": {"rate": log(1e-3, 1)}}, "does not fit these args"),
        ({"args": {"lr": 0.1}}, "both in args and in space"),
        ({"objective": ""}, "no objective"),
        ({"direction": "down"}, "minimize"),
        ({"algorithm": "magic"}, "tpe"),
        ({"settings": {"speed": 3}}, "speed"),
        ({"stopping": "never"}, "medianstop"),
        ({"parallel": 5, "max_trials": 4}, "parallel=5"),
        ({"algorithm": "grid", "space": {"lr": uniform(0, 1)}}, "step"),
        ({"max_failed": -1}, "max_failed=-1"),
        ({"name": "n" * 45}, "at most 40"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_created(
    client: Client, options: dict[str, Any], said: str
) -> None:
    given = {"space": {"lr": log(1e-3, 1)}, "objective": "loss", **options}
    with pytest.raises(KubelabError, match=said):
        launch(client, "default", train, **given)
    assert made(client) == 0


def test_a_name_is_taken_once(client: Client) -> None:
    options: dict[str, Any] = {"space": {"width": choice(8, 16)}, "objective": "loss", "name": "digits"}
    sweep = launch(client, "default", train, **options)
    with pytest.raises(KubelabError, match="there is already a sweep 'digits'"):
        launch(client, "default", train, **options)
    assert made(client) == 2
    assert attach(client, "default", "digits").name == sweep.name
    sweep.delete()
    assert repr(sweep) == "<Sweep digits: deleted>"
    with pytest.raises(NotFoundError):
        attach(client, "default", "digits")


def test_an_administrator_is_told_how_to_install_katib_where_it_is_not_served(client: Client) -> None:
    from kubelab.client import CUSTOM_RESOURCE_DEFINITIONS

    portal.run(client.delete(CUSTOM_RESOURCE_DEFINITIONS, "experiments.kubeflow.org"))
    with pytest.raises(KubelabError, match="does not serve Katib's Experiments"):
        launch(client, "default", train, space={"lr": log(1e-3, 1)}, objective="loss")
    code = [each for each in portal.run(client.list(CONFIG_MAPS)).items if each.get("binaryData")]
    assert code == []
