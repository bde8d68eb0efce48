"""Rules that would run for long are refused before they begin."""

from __future__ import annotations

import pytest

from kubelab.cel.cost import cost_of
from kubelab.cel.program import CelError, program

_NUMBERS = list(range(1000))
_LONG = "a" * 30_000 + "!"


@pytest.mark.parametrize(
    "rule",
    [
        "self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))",
        "[0,1,2,3,4,5,6,7,8,9].all(a," * 9 + "true" + ")" * 9,
        "self.l.map(a, self.l).map(b, self.l.map(c, self.l)).size() > 0",
        "self.l" + ".map(a, a)" * 2000 + ".size() >= 0",
        "self.s.find('(a+)+$') == ''",
        "self.s.findAll('(a|aa)+$').size() == 0",
        "self.s.find('a*a*a*b') == ''",
        "self.s.replace('a', self.s).size() > 0",
        "self.s.replace('', self.s).size() > 0",
    ],
)
def test_a_rule_that_would_run_for_long_is_cancelled(rule: str) -> None:
    with pytest.raises(CelError, match="cost limit exceeded"):
        program(rule)({"self": {"l": _NUMBERS, "s": _LONG}})


@pytest.mark.parametrize(
    "rule",
    [
        "self.l.all(a, a >= 0)",
        "self.p.all(a, self.p.exists(b, self.p.exists(c, a == b && b == c)))",
        "self.s.replace('!', 'b').size() > 0",
        "self.p.map(a, 'x.all(y, (').size() == 50",
        "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+').size() == 2",
    ],
)
def test_an_ordinary_rule_is_evaluated(rule: str) -> None:
    assert program(rule)({"self": {"l": _NUMBERS[:60], "s": _LONG, "p": _NUMBERS[:50]}}) is True


def test_depths_are_counted_for_each_macro() -> None:
    assert cost_of("has(a.b) && a.all(x, (x).map(y, y).size() > [1, 2, 3].size())").depths == (1, 2)
    assert cost_of("a.all(x, x in [1, 2, 3])").literal_size == 3


def test_a_number_is_formatted_with_few_digits_only() -> None:
    assert program("'%.2f'.format([1.5])")({}) == "1.50"
    assert program("'%.999999999f'.format([1.5])")({}) == "%.999999999f"
