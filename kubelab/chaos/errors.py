"""Why an experiment is not carried out; nothing has been touched then."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.errors import KubelabError


class ChaosError(KubelabError):
    """An experiment cannot be carried out here, or was asked for with a wrong value."""


class BlastRadiusError(ChaosError):
    """An experiment would hit more than it may.

    Attributes
    ----------
    hit : tuple of str
        The pods that it would hit.
    max_pods : int
        How many it may.
    """

    def __init__(self, hit: Sequence[str], max_pods: int) -> None:
        self.hit = tuple(hit)
        self.max_pods = max_pods
        super().__init__(
            f"the experiment would hit {len(hit)} pods ({', '.join(hit)}) and may hit {max_pods}: "
            f"nothing was done. Pass max_pods={len(hit)} if that is what you want."
        )


class UnknownHypothesisError(ChaosError):
    """No check is known for what is expected.

    Attributes
    ----------
    text : str
        What was expected.
    known : tuple of str
        What can be.
    """

    def __init__(self, text: str, known: Sequence[str]) -> None:
        self.text = text
        self.known = tuple(known)
        offered = "; ".join(f'"{each}"' for each in known)
        super().__init__(
            f'no check is known for "{text}": expect one of {offered}, or pass a function that returns True.'
        )
