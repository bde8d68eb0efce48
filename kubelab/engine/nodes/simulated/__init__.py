"""Simulated nodes: nodes without a machine, whose pods run, finish and fail as their annotations declare.

Every Node with the annotation ``kwok.x-k8s.io/node: fake`` is adopted. What a pod on it does is declared by
annotations of the pod, which `declaration` lists; what happens when is decided by `stages`.

A node annotated ``simulated.kubelab.dev/silent: "true"`` is cut off: it renews no lease and tells nothing of
its pods, until the annotation goes. Its last lease is as short as a real node's.
"""

from __future__ import annotations

from kubelab.engine.nodes.simulated.nodes import SimulatedNodes

__all__ = ["SimulatedNodes"]
