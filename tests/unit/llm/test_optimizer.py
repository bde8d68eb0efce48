from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from kubelab.llm.errors import ConfigError
from kubelab.llm.optimizer import adamw
from kubelab.llm.settings import Settings


def settings(**changed: object) -> Settings:
    return Settings(**{"steps": 100, "batch": 4, "context": 16, "lr": 1.0, "warmup": 10, **changed})  # type: ignore[arg-type]


def test_the_rate_rises_in_a_line_while_warming_up() -> None:
    assert [settings().rate(step) for step in (1, 5, 10)] == pytest.approx([0.1, 0.5, 1.0])


@pytest.mark.parametrize(
    ("schedule", "middle", "last"), [("cosine", 0.5, 0.0), ("linear", 0.5, 0.01), ("constant", 1.0, 1.0)]
)
def test_then_it_follows_its_schedule(schedule: str, middle: float, last: float) -> None:
    course = settings(schedule=schedule)
    assert course.rate(11) == pytest.approx(1.0)
    assert course.rate(56) == pytest.approx(middle, abs=0.02)
    assert course.rate(100) == pytest.approx(last, abs=0.02)
    assert course.rate(100) > 0


def test_without_a_warm_up_the_first_step_has_the_whole_rate() -> None:
    assert settings(warmup=0).rate(1) == 1.0


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"steps": 0}, "at least 1"),
        ({"batch": 2.5}, "whole number"),
        ({"lr": 0}, "such as 3e-3"),
        ({"lr": float("nan")}, "such as 3e-3"),
        ({"schedule": "sawtooth"}, "cosine, linear, constant"),
        ({"warmup": 101}, "from 0 to steps=100"),
        ({"weight_decay": -1}, "at least 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float], remedy: str) -> None:
    with pytest.raises(ConfigError, match=remedy):
        settings(**wrong)


def test_only_matrices_decay() -> None:
    params = {"matrix": jnp.ones((2, 2)), "scale": jnp.ones(2)}
    optimizer = adamw(0.5)
    changes, _ = optimizer.update(
        {name: jnp.zeros_like(value) for name, value in params.items()}, optimizer.init(params), params
    )
    assert np.allclose(changes["matrix"], 0.5)
    assert np.allclose(changes["scale"], 0.0)


def test_a_large_gradient_is_cut() -> None:
    params = {"matrix": jnp.zeros((2, 2))}
    optimizer = adamw(0.0, clip=1.0)
    # The first moment after one step is a tenth of the gradient.
    _, state = optimizer.update({"matrix": jnp.full((2, 2), 1e6)}, optimizer.init(params), params)
    assert np.allclose(state[1].mu["matrix"], 0.1 * 0.5)
