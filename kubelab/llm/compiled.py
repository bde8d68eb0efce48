"""What XLA compiled, shared by a notebook and the pods of the lab's clusters."""

from __future__ import annotations

import os


def share_what_is_compiled() -> None:
    """Have JAX read and keep compiled programs where the lab's pods do, unless it has a place for them.

    What a trial compiled need not be compiled again by a notebook that goes on with its settings. Nothing
    changes where no lab cluster has run a pod yet.
    """
    import jax

    if jax.config.jax_compilation_cache_dir:
        return
    try:
        from kubelab.home import home
    except ImportError:  # a pod of another cluster has only what travels
        return
    place = home() / ".cache" / "jax"
    if place.exists():
        jax.config.update("jax_compilation_cache_dir", os.fspath(place))
        # As in the pods (`kubelab.engine.nodes.planning`): the second is a part of a program's key.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
