"""What can be wrong with a sweep."""

from __future__ import annotations

from kubelab.errors import KubelabError


class SweepError(KubelabError):
    """A sweep that cannot be made, or an order that it cannot follow."""


class SweepFailedError(SweepError):
    """The sweep has failed.

    Parameters
    ----------
    name : str
        The sweep.
    reason : str
        Its condition's message.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"sweep {name} failed: {reason}. See sweep.trials() for why each trial ended.")


class SweepTimeoutError(SweepError):
    """The sweep has not ended in time; it goes on."""

    def __init__(self, name: str, summary: str) -> None:
        self.name = name
        super().__init__(f"sweep {name} has not ended in time; it goes on: {summary}.")
