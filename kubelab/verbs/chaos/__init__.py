"""`ChaosVerbs`: break something on purpose, and see whether what was expected holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    from kubelab.verbs.chaos.chaos import Chaos


class ChaosVerbs(Handle):
    """The one verb about chaos."""

    @property
    def chaos(self) -> Chaos:
        """Return what breaks things on purpose: ``cluster.chaos.kill_pod(job, rank=1)`` and its like."""
        from kubelab.verbs.chaos.chaos import Chaos

        return Chaos(self.client, self.engine)


__all__ = ["ChaosVerbs"]
