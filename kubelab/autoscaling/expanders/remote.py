"""``grpc``: asks a service, and goes on without it if it does not answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from kubelab.autoscaling.choice import Choice, Ranked, Situation
from kubelab.autoscaling.errors import RemoteError
from kubelab.autoscaling.expanders.ranking import Weighed, all_kept, listed
from kubelab.autoscaling.option import Option

_LEFT_OUT = "the service left it out"
_TO_WIN = "must be named by the service"
_VETO = "grpc: the service named no group, which vetoes this scale-up."


class Remote(Protocol):
    """Asks an expander service."""

    def best(self, options: Sequence[Option]) -> Collection[str]:
        """Return the node groups that it names; this blocks.

        Raises
        ------
        RemoteError
            If it gives no answer in time, or none that can be read.
        """
        ...


class Grpc:
    """Keeps the options whose node group the service names (``expander/grpcplugin``).

    An error keeps all options, and so does an answer of which no name is known; an empty answer is a veto.
    """

    name = "grpc"

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Ask, and keep what is named."""
        del situation
        if not options:
            return Choice(self.name, (), "grpc: no options.")
        try:
            named = frozenset(self.remote.best(options))
        except RemoteError as error:
            return _no_opinion(options, f"the service gave no answer: {error}")
        known = named & {option.node_group for option in options}
        if named and not known:
            return _no_opinion(
                options, f"the service named only unknown groups: {listed(sorted(named), ', ')}"
            )
        return _named(options, known)


def _no_opinion(options: Sequence[Option], why: str) -> Choice:
    return all_kept(Grpc.name, [Weighed(option, None, (), why.rstrip(".")) for option in options])


def _named(options: Sequence[Option], known: Collection[str]) -> Choice:
    kept = [option for option in options if option.node_group in known]
    dropped = [option for option in options if option.node_group not in known]
    ranked = [Ranked(option, 0.0, kept=True, why="the service named it") for option in kept]
    ranked += [Ranked(option, 1.0, kept=False, why=_LEFT_OUT, to_win=_TO_WIN) for option in dropped]
    why = f"grpc keeps {listed(sorted(known), ' and ')}, which the service named." if known else _VETO
    return Choice(Grpc.name, tuple(ranked), why)
