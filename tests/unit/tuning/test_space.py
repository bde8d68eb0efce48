from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.tuning import Space, choice, integer, log, log_normal, normal, uniform, when
from kubelab.tuning.errors import SpaceError
from kubelab.tuning.parameters import Choice, Number
from tests.unit.tuning.searches import choices, numbers, spaces


@given(spaces())
def test_a_space_comes_back_from_katibs_form(space: Space) -> None:
    assert Space.from_katib(space.to_katib(), space.conditions_json()) == space


@given(numbers(), st.floats(0, 1))
def test_a_number_stays_within_its_bounds(number: Number, place: float) -> None:
    value = number.at(place)
    assert number.low <= value <= number.high
    assert type(value) is (int if number.type == "int" else float)
    if number.count is not None:
        assert value in set(number.values())


@given(numbers(), st.floats(0, 1))
def test_a_numbers_place_leads_back_to_it(number: Number, place: float) -> None:
    value = number.at(place)
    again = number.at(number.unit(value))
    if number.count is not None:
        assert again == value
    else:
        assert again == pytest.approx(value, rel=1e-6, abs=(number.high - number.low) * 1e-6)
    assert number.value(number.text(value)) == value


@given(choices, st.floats(0, 1))
def test_a_choice_gives_back_what_it_was_made_from(chosen: Choice, place: float) -> None:
    value = chosen.at(place)
    assert chosen.value(chosen.text(value)) == value
    assert chosen.at(chosen.unit(value)) == value


def test_values_of_every_type_survive_katibs_texts() -> None:
    values: list[Any] = ["adam", "1", "true", '"x"', "", 1, 1.0, True, None, (64, 32), ("a", (None, 1.5))]
    chosen = choice(*values)
    back = list(chosen.values())
    assert [(type(value), value) for value in back] == [(type(value), value) for value in values]
    assert chosen.texts[:5] == ("adam", '"1"', '"true"', '"\\"x\\""', '""')


def test_katibs_form_has_texts_and_its_names() -> None:
    space = Space(
        {
            "lr": log(1e-5, 0.1),
            "rank": integer(4, 64, step=4),
            "dropout": uniform(0, 0.5),
            "width": choice(64, 128),
            "schedule": choice("cosine", None),
            "noise": normal(-1, 1),
            "decay": log_normal(1e-4, 1e-2),
        }
    )
    assert {
        entry["name"]: (entry["parameterType"], entry["feasibleSpace"]) for entry in space.to_katib()
    } == {
        "lr": ("double", {"min": "1e-05", "max": "0.1", "distribution": "logUniform"}),
        "rank": ("int", {"min": "4", "max": "64", "step": "4", "distribution": "uniform"}),
        "dropout": ("double", {"min": "0.0", "max": "0.5", "distribution": "uniform"}),
        "width": ("discrete", {"list": ["64", "128"], "distribution": "uniform"}),
        "schedule": ("categorical", {"list": ["cosine", "null"], "distribution": "uniform"}),
        "noise": ("double", {"min": "-1.0", "max": "1.0", "distribution": "normal"}),
        "decay": ("double", {"min": "0.0001", "max": "0.01", "distribution": "logNormal"}),
    }


def test_an_experiment_of_someone_elses_is_read_as_it_is_written() -> None:
    space = Space.from_katib(
        [
            {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.010", "max": "0.05"}},
            {"name": "layers", "parameterType": "int", "feasibleSpace": {"min": "2", "max": "5"}},
            {"name": "x", "parameterType": "discrete", "feasibleSpace": {"list": ["0.10", "1e-3"]}},
            {"name": "o", "parameterType": "categorical", "feasibleSpace": {"list": ["sgd", "{}"]}},
        ]
    )
    assert space["lr"] == uniform(0.01, 0.05)
    assert space["layers"] == integer(2, 5)
    assert list(space.parameter("x").values()) == [0.1, 0.001]
    assert space.texts_of({"x": 0.001}) == {"x": "1e-3"}
    assert list(space.parameter("o").values()) == ["sgd", "{}"]


def test_a_step_counts_in_decimals() -> None:
    assert list(uniform(0, 0.5, step=0.1).values()) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert list(uniform(0.1, 0.35, step=0.1).values()) == [0.1, 0.2, 0.3]


def test_each_stepped_value_is_as_likely_as_the_others() -> None:
    number = integer(1, 4)
    drawn = Counter(number.at((place + 0.5) / 1000) for place in range(1000))
    assert set(drawn.values()) == {250}


def test_log_gives_every_order_of_magnitude_the_same_share() -> None:
    drawn = [log(1e-4, 1).at((place + 0.5) / 1000) for place in range(1000)]
    assert sum(value < 1e-2 for value in drawn) == 500


def test_normal_has_two_thirds_within_one_deviation() -> None:
    drawn = [normal(-3, 3).at((place + 0.5) / 1000) for place in range(1000)]
    assert 675 <= sum(abs(value) < 1 for value in drawn) <= 690


def test_a_conditional_parameter_counts_only_where_its_condition_holds() -> None:
    space = Space(
        {
            "momentum": when(uniform(0.8, 0.99), optimizer="sgd"),
            "beta": when(uniform(0.9, 0.999), optimizer=["adam", "adamw"], warm=True),
            "optimizer": choice("sgd", "adam", "adamw"),
            "warm": choice(True, False),
        }
    )
    generator = random.Random(1)
    seen = set()
    for _ in range(200):
        drawn = space.draw(lambda _, parameter: parameter.text(parameter.at(generator.random())))
        values = space.values_of(drawn)
        assert ("momentum" in values) is (values["optimizer"] == "sgd")
        assert ("beta" in values) is (values["optimizer"] != "sgd" and values["warm"] is True)
        seen.add(tuple(values))
    assert len(seen) == 3
    assert space.conditions_json() == (
        '{"momentum": {"optimizer": ["sgd"]}, "beta": {"optimizer": ["adam", "adamw"], "warm": ["true"]}}'
    )


def test_conditions_hold_through_those_that_do_not_count() -> None:
    space = Space(
        {
            "a": choice(1, 2),
            "b": when(choice("x", "y"), a=1),
            "c": when(integer(1, 9), b="x"),
        }
    )
    assert space.choose({"a": "2", "b": "x", "c": "3"}) == {"a": "2"}
    assert space.choose({"a": "1", "b": "x", "c": "3"}) == {"a": "1", "b": "x", "c": "3"}


def test_spaces_that_hold_nothing_are_refused_with_a_remedy() -> None:
    refused: list[tuple[Any, str]] = [
        (lambda: uniform(1, 1), "low=1.0 is not below high=1.0"),
        (lambda: log(0, 1), "low=0.0 has no logarithm. Use a low above 0"),
        (lambda: integer(0, 8, log=True), "low=0 has no logarithm"),
        (lambda: uniform(0, float("nan")), "nan is no finite number"),
        (lambda: uniform(0, 1, step=2), "step=2.0 does not fit"),
        (lambda: integer(1, 2.5), "2.5 is no whole number"),  # type: ignore[arg-type]
        (choice, "there is nothing to choose from"),
        (lambda: choice("a", "b", "a"), "a can be chosen twice"),
        (lambda: choice([1, 2]), r"\[1, 2\] \(a list\) cannot be chosen"),  # type: ignore[arg-type]
        (lambda: choice(float("inf")), "inf cannot be chosen"),
        (lambda: when(uniform(0, 1)), "names no condition"),
        (lambda: when(when(uniform(0, 1), a=1), b=1), "cannot depend"),  # type: ignore[arg-type]
        (lambda: Space({}), "the space has no parameters. Write space="),
        (lambda: Space({"lr": 0.1}), "lr: 0.1 is no parameter. Use uniform"),  # type: ignore[dict-item]
        (lambda: Space({"a": when(uniform(0, 1), b=1)}), "a: it depends on b, which is not in the space"),
        (lambda: Space({"b": uniform(0, 1), "a": when(uniform(0, 1), b=1)}), "a: it depends on b, .* number"),
        (
            lambda: Space({"b": choice("x"), "a": when(uniform(0, 1), b="y")}),
            "a: it needs b=y, which b never",
        ),
        (
            lambda: Space({"a": when(choice(1, 2), b=1), "b": when(choice(1, 2), a=1)}),
            "a, b depend on each other",
        ),
    ]
    for make, message in refused:
        with pytest.raises(SpaceError, match=message):
            make()


def test_katibs_form_is_refused_where_it_cannot_be_understood() -> None:
    def entry(kind: str, **feasible: Any) -> dict[str, Any]:
        return {"name": "x", "parameterType": kind, "feasibleSpace": feasible}

    good = entry("int", min="1", max="2")
    refused: list[tuple[list[dict[str, Any]], str | None, str]] = [
        ([entry("string")], None, "x: parameterType 'string' is not known. Choose one of: double"),
        ([entry("int", min="1", max="2.5")], None, "x: .* bounds that are no whole numbers"),
        ([entry("double", min="1")], None, "x: .* bounds that are no numbers"),
        ([entry("double", min="1", max="2", distribution="poisson")], None, "x: distribution 'poisson'"),
        ([entry("categorical")], None, "x: there is nothing to choose from"),
        ([good, good], None, "x: it is twice in spec.parameters"),
        ([good], '{"y": {"x": ["1"]}}', "annotation tuning.kubelab.dev/conditions names y"),
        ([good], "nonsense", "holds 'nonsense'"),
    ]
    for katib, conditions, message in refused:
        with pytest.raises(SpaceError, match=message):
            Space.from_katib(katib, conditions)
