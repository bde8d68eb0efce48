"""Strategies side by side: each tool's rule under a name, and our own."""

from __future__ import annotations

from kubelab.errors import KubelabError
from kubelab.rightsizing.strategies import adaptive, cast, devzero, krr, kubecost, peak, vpa
from kubelab.rightsizing.strategies.strategy import Strategy

_ALL: tuple[Strategy, ...] = (
    vpa.VPA,
    krr.SIMPLE,
    krr.SIMPLE_LIMIT,
    kubecost.Kubecost(),
    devzero.BALANCED,
    devzero.AGGRESSIVE,
    devzero.CONSERVATIVE,
    cast.Cast(),
    peak.Peak(),
    adaptive.ADAPTIVE,
    adaptive.LEAN,
    adaptive.CAREFUL,
    adaptive.SAFE,
)
STRATEGIES: dict[str, Strategy] = {each.name: each for each in _ALL}


class UnknownStrategyError(KubelabError, ValueError):
    """There is no such strategy."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no strategy is called {name!r}. There are: {', '.join(STRATEGIES)}.")


def strategy_of(name: str) -> Strategy:
    """Return the strategy of a name.

    Raises
    ------
    UnknownStrategyError
        If there is none.
    """
    try:
        return STRATEGIES[name]
    except KeyError:
        raise UnknownStrategyError(name) from None
