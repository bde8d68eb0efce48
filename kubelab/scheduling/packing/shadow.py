"""What the rest of a shared GPU is worth: shadow prices of a cutting-stock program.

Cutting GPUs into the pods that usually share them with the fewest GPUs is a linear program over patterns
(Gilmore and Gomory, 1961). Its dual gives each pod size a price, as a share of a GPU: a size that fills a GPU
only together with others costs its part, one that leaves an unusable rest costs the whole. A rest is worth
the dearest set of sizes that fits into it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kubelab.scheduling.packing.gpus import GPU_MILLI, Demand, Floats

MIN_SHARE = 0.005
"""Sizes rarer than this among the sharing pods are left out: nothing should wait for them."""


def rest_values(shares: Mapping[Demand, float]) -> Floats:
    """Return what 0 to 1000 thousandths of a GPU are worth, as shares of a whole one, shape (1001,)."""
    prices = size_prices(shares)
    values = np.zeros(GPU_MILLI + 1)
    for rest in range(1, GPU_MILLI):
        worth = (price + values[rest - size] for size, price in prices.items() if size <= rest)
        values[rest] = max((values[rest - 1], *worth))
    values[GPU_MILLI] = 1.0
    return values


def size_prices(shares: Mapping[Demand, float]) -> dict[int, float]:
    """Return the shadow price of each size of sharing pods, largest first, as a share of a GPU.

    Parameters
    ----------
    shares : mapping
        How frequent each pod shape is.
    """
    from scipy.optimize import linprog

    counts: defaultdict[int, float] = defaultdict(float)
    for pod, share in shares.items():
        if pod.shares:
            counts[pod.gpu_milli] += share
    least = MIN_SHARE * sum(counts.values())
    sizes = sorted((size for size, share in counts.items() if share >= least), reverse=True)
    if not sizes:
        return {}
    cuts = np.array(list(patterns(sizes, GPU_MILLI)))
    wanted = np.array([counts[size] for size in sizes])
    solved = linprog(np.ones(len(cuts)), A_ub=-cuts.T, b_ub=-wanted / wanted.sum(), method="highs")
    return dict(zip(sizes, (-solved.ineqlin.marginals).tolist(), strict=True))


def patterns(sizes: Sequence[int], rest: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to cut `rest` into `sizes` of which no more of the last fits."""
    if len(sizes) == 1:
        yield (rest // sizes[0],)
        return
    for count in range(rest // sizes[0], -1, -1):
        for others in patterns(sizes[1:], rest - count * sizes[0]):
            yield (count, *others)
