"""Checkpoints on the job's volume, kept by Orbax; the last complete one survives a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MAX_TO_KEEP = 2
_ROOT = "state"
"""Orbax stores trees, not single arrays: the state hangs below one key."""


class Checkpoints:
    """Saves and restores a tree of arrays by step, together on all workers.

    Orbax writes a step into a temporary directory and renames it when every worker is done, so
    that a step is either complete or absent.

    Parameters
    ----------
    directory : str
        Where to keep them; shared by all workers.
    """

    def __init__(self, directory: str) -> None:
        import orbax.checkpoint as ocp

        self._ocp = ocp
        # Saving returns once the step is complete: a worker killed a moment later has lost nothing.
        options = ocp.CheckpointManagerOptions(max_to_keep=MAX_TO_KEEP, enable_async_checkpointing=False)
        self._manager = ocp.CheckpointManager(Path(directory, "checkpoints").absolute(), options=options)

    def save(self, step: int, state: Any) -> None:
        """Write ``state`` as ``step``; every worker calls this."""
        self._manager.save(step, args=self._ocp.args.StandardSave({_ROOT: _on_disk(state)}), force=True)

    def restore(self, state: Any) -> tuple[Any, int] | None:
        """Return the newest step's state, shaped and placed like ``state``, and the step; None if none."""
        step = self._manager.latest_step()
        if step is None:
            return None
        target = self._ocp.args.StandardRestore({_ROOT: _on_disk(state)})
        return _placed_like(state, self._manager.restore(step, args=target)[_ROOT]), step

    def close(self) -> None:
        """Wait for what is being written."""
        self._manager.close()


def _on_disk(state: Any) -> Any:
    """Return a tree that Orbax can write: arrays that live on one worker only become numpy's."""
    import jax
    import numpy as np

    def leaf(value: Any) -> Any:
        if not isinstance(value, jax.Array) or jax.process_count() == 1 or not value.is_fully_addressable:
            return value
        if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            return value
        return np.asarray(value)

    return jax.tree.map(leaf, state)


def _placed_like(state: Any, restored: Any) -> Any:
    import jax

    def leaf(before: Any, after: Any) -> Any:
        if isinstance(before, jax.Array) and not isinstance(after, jax.Array):
            return jax.device_put(after, before.sharding)
        return after

    return jax.tree.map(leaf, state, restored)
