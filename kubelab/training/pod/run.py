"""`Run`: what a training function asks about itself, and does together with its peers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from kubelab.errors import KubelabError
from kubelab.training.pod.checkpoints import Checkpoints
from kubelab.training.pod.environment import PodEnvironment


class Run:
    """A worker's view of its job.

    Parameters
    ----------
    environment : PodEnvironment
        Its place in the job.
    args : mapping
        The function's arguments, defaults included.

    Attributes
    ----------
    rank : int
        This worker's number, from 0.
    size : int
        How many workers there are.
    """

    def __init__(self, environment: PodEnvironment, args: Mapping[str, Any]) -> None:
        self.environment = environment
        self.rank = environment.rank
        self.size = environment.size
        self.args = dict(args)
        self._opened: Checkpoints | None = None

    def __repr__(self) -> str:
        return f"<Run rank {self.rank} of {self.size}>"

    @cached_property
    def mesh(self) -> Any:
        """A ``jax.sharding.Mesh`` over all devices of all workers; its one axis is ``data``."""
        import jax
        import numpy as np

        return jax.sharding.Mesh(np.asarray(jax.devices()), ("data",))

    def share(self, data: Any) -> Any:
        """Return this worker's rows: every ``size``-th one from ``rank``, as many on each worker.

        Parameters
        ----------
        data : array_like, shape (rows, ...)
            The whole data set, the same on every worker.
        """
        rows = len(data) // self.size * self.size
        if rows == 0:
            raise KubelabError(f"{len(data)} rows cannot be shared among {self.size} workers")
        return data[self.rank : rows : self.size]

    def shard(self, batch: Any) -> Any:
        """Return global arrays made of each worker's part, split along ``data`` by their first axis.

        Parameters
        ----------
        batch : tree of array_like, each of shape (rows on this worker, ...)
            The same number of rows on every worker, a multiple of its devices.
        """
        return self._global(batch, "data")

    def replicate(self, tree: Any) -> Any:
        """Return rank 0's values as global arrays that every device holds in full."""
        import jax

        key_types = jax.tree.map(_key_type, tree)
        plain = jax.tree.map(_plain, tree)
        if self.size > 1:
            plain = _from_rank_0(plain)
        return jax.tree.map(_typed, key_types, self._global(plain))

    def should_save(self, step: int) -> bool:
        """Return whether ``step`` is due for a checkpoint: every ``checkpoint_every`` steps."""
        every = self.environment.checkpoint_every
        return bool(self.environment.checkpoint_dir) and every > 0 and step > 0 and step % every == 0

    def save(self, step: int, state: Any) -> None:
        """Write a checkpoint, complete on return; every worker calls this at the same step.

        Without a volume (``checkpoint_every=None``) nothing is written.
        """
        if (checkpoints := self._checkpoints()) is not None:
            checkpoints.save(int(step), state)

    def restore(self, state: Any) -> tuple[Any, int] | None:
        """Return the newest checkpoint as (state, step), or None at the first start.

        Parameters
        ----------
        state : tree of arrays
            The state as it is initialised: its structure, shapes and placement are kept.
        """
        checkpoints = self._checkpoints()
        return None if checkpoints is None else checkpoints.restore(state)

    def close(self) -> None:
        """Finish writing checkpoints."""
        if self._opened is not None:
            self._opened.close()

    def _checkpoints(self) -> Checkpoints | None:
        if self._opened is None and self.environment.checkpoint_dir:
            self._opened = Checkpoints(self.environment.checkpoint_dir)
        return self._opened

    def _global(self, tree: Any, *axes: str) -> Any:
        import jax
        import numpy as np

        sharding = jax.sharding.NamedSharding(self.mesh, jax.sharding.PartitionSpec(*axes))

        def leaf(value: Any) -> Any:
            return jax.make_array_from_process_local_data(sharding, np.asarray(value))

        return jax.tree.map(leaf, tree)


def _from_rank_0(tree: Any) -> Any:
    """Return rank 0's values of a tree of numpy arrays.

    All leaves travel as one array of bytes: XLA compiles a collective for each shape that it meets.
    """
    import jax
    import numpy as np
    from jax.experimental import multihost_utils

    leaves, structure = jax.tree.flatten(tree)
    if not leaves:
        return tree
    packed = np.frombuffer(b"".join(leaf.tobytes() for leaf in leaves), np.uint8)
    received = np.asarray(multihost_utils.broadcast_one_to_all(packed))
    ends = np.cumsum([leaf.nbytes for leaf in leaves])[:-1]
    parts = zip(np.split(received, ends), leaves, strict=True)
    return jax.tree.unflatten(structure, [part.view(leaf.dtype).reshape(leaf.shape) for part, leaf in parts])


def _plain(value: Any) -> Any:
    """Return a leaf as a numpy array; a random key becomes its data."""
    import jax
    import numpy as np

    return np.asarray(jax.random.key_data(value) if _key_type(value) else value)


def _key_type(value: Any) -> str:
    """Return the name of a random key's algorithm; empty for anything else."""
    import jax

    is_key = isinstance(value, jax.Array) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key)
    return str(jax.random.key_impl(value)) if is_key else ""


def _typed(key_type: str, value: Any) -> Any:
    import jax

    return jax.random.wrap_key_data(value, impl=key_type) if key_type else value
