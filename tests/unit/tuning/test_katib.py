from __future__ import annotations

from typing import Any

import pytest

from kubelab.tuning import EarlyStopping, Problem, Space, choice, normal, uniform, when
from kubelab.tuning.errors import KatibError
from kubelab.tuning.katib import ALGORITHMS, check_katib
from kubelab.tuning.suggestion import ALGORITHMS as OURS

PLAIN = Space({"lr": uniform(0, 1)})


def test_katib_is_given_what_it_knows() -> None:
    assert set(OURS) - ALGORITHMS == {"asha"}
    check_katib(Problem(PLAIN, "loss", algorithm="tpe", early_stopping=EarlyStopping("medianstop")))
    check_katib(Problem(Space({"lr": normal(0, 1)}), "loss", algorithm="random"))


def test_what_only_kubelab_knows_is_refused_with_a_remedy() -> None:
    conditional = Space(
        {"optimizer": choice("adam", "sgd"), "momentum": when(uniform(0, 1), optimizer="sgd")}
    )
    refused: list[tuple[dict[str, Any], str]] = [
        ({"parameters": conditional}, r"momentum depends on other parameters. Give it to every trial"),
        ({"algorithm": "asha"}, r"it has no algorithm asha. Use random with stopping='medianstop'"),
        (
            {"algorithm": "hyperband", "settings": {"max_resource": "9"}},
            r"its hyperband has no max_resource. Use the settings r_l and resource_name",
        ),
        (
            {"early_stopping": EarlyStopping("asha")},
            r"it has no early stopping asha. Use stopping='medianstop'",
        ),
        (
            {"parameters": Space({"lr": normal(0, 1)}), "algorithm": "grid"},
            r"its grid knows no normal .* lr has",
        ),
    ]
    for fields, message in refused:
        with pytest.raises(KatibError, match=f"Katib cannot run this: {message}"):
            check_katib(Problem(**{"parameters": PLAIN, "objective": "loss", **fields}))
