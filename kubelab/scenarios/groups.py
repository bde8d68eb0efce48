"""Node groups that scenarios choose from: a few shapes of one cloud, at the catalogue's prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubelab.autoscaling.builders import node_group
from kubelab.client import Object

MIXED = (
    "c6i.2xlarge",
    "c6i.4xlarge",
    "m6i.xlarge",
    "m6i.2xlarge",
    "m6i.4xlarge",
    "m6i.8xlarge",
    "r6i.2xlarge",
    "r6i.4xlarge",
)
"""CPU-heavy, balanced and memory-heavy types, small and large."""


def groups(types: Sequence[str] = MIXED, *, suffix: str = "", **fields: Any) -> list[Object]:
    """Return a group for each type, named after it.

    Parameters
    ----------
    suffix : str
        Follows the type in the name, such as ``-spot``.
    **fields
        As in `kubelab.autoscaling.builders.node_group`.
    """
    return [
        node_group(f"{each.replace('.', '-')}{suffix}", each, **{"max_size": 200, **fields}) for each in types
    ]
