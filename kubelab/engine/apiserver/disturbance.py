"""`Disturbance`: how the API server's answers are delayed or refused on purpose."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from kubelab.engine.apiserver.requests import Request
from kubelab.engine.apiserver.status import failure

_SPARED = ("/apis/chaos.kubelab.dev", "/healthz", "/livez", "/readyz", "/metrics")
"""What is always answered: how a disturbance is ended, and whether the server lives."""


@dataclass(slots=True)
class _Rule:
    latency_s: float
    error_share: float
    share: float
    random: Random
    hit: int = 0


class Disturbance:
    """Delays or refuses a share of the requests that come over HTTP; none unless told so.

    The parts of a lab's daemon speak to the server in process: they are spared.
    """

    def __init__(self) -> None:
        self._rules: dict[str, _Rule] = {}

    def begin(
        self,
        name: str,
        *,
        latency_s: float = 0.0,
        error_share: float = 0.0,
        share: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Delay a share of all requests by ``latency_s``, and refuse a share of them with 503."""
        self._rules[name] = _Rule(latency_s, error_share, share, Random(seed))  # noqa: S311 - repeatable lots

    def end(self, name: str) -> int | None:
        """Let requests pass again; return how many were hit, or None if nothing was on their way."""
        rule = self._rules.pop(name, None)
        return rule.hit if rule else None

    async def meet(self, request: Request) -> None:
        """Let a request meet what is on its way.

        Raises
        ------
        ApiError
            503, if it is to be refused.
        """
        if not self._rules or request.path.startswith(_SPARED):
            return
        for rule in list(self._rules.values()):
            await _meet(rule)


async def _meet(rule: _Rule) -> None:
    if rule.latency_s and rule.random.random() < rule.share:
        rule.hit += 1
        await asyncio.sleep(rule.latency_s)
    if rule.error_share and rule.random.random() < rule.error_share:
        rule.hit += 1
        raise failure(503, "ServiceUnavailable", "a chaos experiment refuses this request")
