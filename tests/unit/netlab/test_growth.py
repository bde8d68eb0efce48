"""A fit of times that grow."""

from __future__ import annotations

import pytest

from kubelab.netlab.growth import fit


def test_a_fit_finds_the_square_and_the_line_again() -> None:
    squared = fit([(n, 0.01 + 1e-5 * n + 1e-7 * n**2) for n in (500, 1000, 2000, 4000)])
    assert squared.quadratic == pytest.approx(1e-7, rel=1e-3)
    assert squared.share == pytest.approx(1.6 / 1.65, rel=1e-3)
    straight = fit([(n, 0.01 + 1e-5 * n) for n in (500, 1000, 2000, 4000)])
    assert straight.quadratic == pytest.approx(0, abs=1e-12)
    assert straight.seconds(1000) == pytest.approx(0.02)
