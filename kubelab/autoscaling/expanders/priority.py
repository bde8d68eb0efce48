"""``priority``: the operator's own order of node groups, by regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import yaml

from kubelab.autoscaling.choice import Choice, Situation, Term
from kubelab.autoscaling.expanders.ranking import Weighed, all_kept, lowest
from kubelab.autoscaling.option import Option
from kubelab.errors import KubelabError

Patterns = Mapping[int, tuple[re.Pattern[str], ...]]


class PrioritiesError(KubelabError, ValueError):
    """The priorities cannot be read; the expander then keeps every option."""


def parse_priorities(text: str) -> Patterns:
    """Read what key ``priorities`` of the ConfigMap ``cluster-autoscaler-priority-expander`` holds.

    Raises
    ------
    PrioritiesError
        If it is no mapping of integers to lists of regular expressions.
    """
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PrioritiesError(f"the priorities are no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(read, dict) or not read:
        raise PrioritiesError("there are no priorities. Write such as `10: [.*spot.*]`.")
    return {_number(number): _patterns(number, listed) for number, listed in read.items()}


def _number(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise PrioritiesError(f"the priority {number!r} is no integer. Write such as `10: [.*spot.*]`.")
    return number


def _patterns(number: object, listed: object) -> tuple[re.Pattern[str], ...]:
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise PrioritiesError(f"priority {number} has no list of patterns but {listed!r}. Write a YAML list.")
    try:
        return tuple(re.compile(each) for each in listed)
    except re.error as error:
        raise PrioritiesError(
            f"priority {number} has a pattern that is no regular expression: {error.pattern!r} ({error})"
        ) from None


class Priority:
    """Keeps the groups of the highest integer that has a match (``expander/priority``).

    Parameters
    ----------
    text : callable
        Returns the YAML as it is now; "" if there is none. Asked each time, so changes take effect at once.
    """

    name = "priority"

    def __init__(self, text: Callable[[], str]) -> None:
        self.text = text

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Rank by the highest priority that matches; a group without a match loses to any other."""
        del situation
        try:
            patterns = parse_priorities(self.text())
        except PrioritiesError as error:
            return all_kept(self.name, [Weighed(option, None, (), str(error)) for option in options])
        return lowest(self.name, [_weigh(option, patterns) for option in options], _higher)


def _weigh(option: Option, patterns: Patterns) -> Weighed:
    found = [
        (number, pattern.pattern)
        for number, listed in patterns.items()
        for pattern in listed
        if pattern.search(option.node_group)
    ]
    if not found:
        return Weighed(option, None, (), "no pattern matches its name")
    number, pattern = max(found, key=lambda each: each[0])
    term = Term("priority", number, "", f"pattern {pattern!r}")
    return Weighed(option, -number, (term,), f"its name matches {pattern!r} of priority {number}")


def _higher(weighed: Weighed, best: float) -> str:
    own = f"its highest is {-weighed.rank:g}" if weighed.rank is not None else "it matches none"
    return f"must match a pattern of a priority above {-best:g} ({own})"
