"""`Patience`: how long trials wait for the db manager that they are to push to."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST = timedelta(seconds=60)
"""As long as it may take to come; after that trials start, and say for themselves what they cannot do."""


class Patience:
    """Since when each Experiment has found the db manager missing.

    An Experiment that goes on after hours, or whose db manager was scaled down, waits as long as a new one.
    """

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def lasts(self, uid: str, now: datetime, *, available: bool) -> bool:
        """Say whether the trials of an Experiment should wait.

        Parameters
        ----------
        uid : str
            The Experiment's.
        now : datetime
            The time.
        available : bool
            Whether the db manager answers.
        """
        if available:
            self._since.pop(uid, None)
            return False
        return now - self._since.setdefault(uid, now) < MOST

    def forget(self, uid: str) -> None:
        """Let go of an Experiment that is over."""
        self._since.pop(uid, None)
