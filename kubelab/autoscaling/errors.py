"""What can be wrong with what an autoscaler is asked to do."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.errors import KubelabError


class ExpanderError(KubelabError, ValueError):
    """A chain of expanders that cannot be built."""


class UnknownExpanderError(ExpanderError):
    """No expander has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"no expander is called {name!r}. There are: {', '.join(known)}.")


class DuplicateExpanderError(ExpanderError):
    """A chain names an expander twice."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the expander {name} is named twice, and would decide nothing new. Name it once.")


class ExpanderAfterRandomError(ExpanderError):
    """A chain goes on after ``random``, which leaves one option."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the expander {name} stands after random. Put random last: it leaves one option.")


class MissingRemoteError(ExpanderError):
    """A chain names ``grpc`` without a service to ask."""

    def __init__(self) -> None:
        super().__init__("the expander grpc needs a service to ask. Give its URL and certificate.")


class RemoteError(KubelabError):
    """An expander service gave no answer that can be used."""
