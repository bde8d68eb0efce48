"""A cost as rows of FOCUS v1.2, the FinOps Foundation's columns for bills.

Each node is charged once for every namespace and job that had a part of it, and once for what was idle; the
rows add up to the bill. Columns of our own begin with ``x_``, as FOCUS asks. Prices are list prices, so all
four costs are the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubelab.clock import rfc3339
from kubelab.costs.allocation import Allocation, NodeCost, PodCost, Window
from kubelab.costs.windows import month_of
from kubelab.errors import KubelabError

if TYPE_CHECKING:
    import pandas as pd

_TIMES = ("PeriodStart", "PeriodEnd")
_COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")


def focus_rows(allocation: Allocation, account: str) -> list[dict[str, Any]]:
    """Return one row a charge.

    Parameters
    ----------
    account : str
        Who is billed, such as the cluster's name.
    """
    by_node: dict[tuple[str, datetime], list[PodCost]] = defaultdict(list)
    for each in allocation.pods:
        by_node[each.node.uid, each.node.start].append(each)
    return [
        {"BillingAccountId": account, "BillingAccountName": account, **row}
        for node in allocation.nodes
        if node.node.price is not None
        for row in _charges(node, by_node[node.node.uid, node.node.start], allocation.window)
    ]


def _charges(node: NodeCost, pods: list[PodCost], window: Window) -> Iterator[dict[str, Any]]:
    shares: dict[tuple[str, str, str], float] = defaultdict(float)
    for each in pods:
        shares[each.pod.namespace, each.pod.owner.job, each.pod.owner.trial] += each.money.total
    for (namespace, job, trial), usd in sorted(shares.items()):
        tags = {"namespace": namespace, "job": job, "trial": trial}
        yield _row(node, window, usd, {name: value for name, value in tags.items() if value})
    if node.idle.total:
        yield _row(node, window, node.idle.total, {"idle": "true"})


def _row(node: NodeCost, window: Window, usd: float, tags: dict[str, str]) -> dict[str, Any]:
    life, price = node.node, node.node.price
    assert price is not None  # noqa: S101 - who calls has seen to it
    hours = usd / price.usd_per_hour if price.usd_per_hour else 0.0
    what = "idle" if "idle" in tags else tags["namespace"]
    bought = {"capacity_type": life.capacity_type, "node_group": life.node_group}
    return {
        "BillingCurrency": "USD",
        "BillingPeriodStart": rfc3339(month_of(window.start)),
        "BillingPeriodEnd": rfc3339(month_of(window.start, 1)),
        "ChargePeriodStart": rfc3339(max(window.start, life.start)),
        "ChargePeriodEnd": rfc3339(min(window.end, life.end)),
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": f"{what} on {life.name}, {life.instance_type}",
        "ProviderName": price.source or "unknown",
        "PublisherName": price.source or "unknown",
        "InvoiceIssuerName": price.source or "unknown",
        "ServiceCategory": "Compute",
        "ServiceName": "Kubernetes",
        "ResourceId": life.uid,
        "ResourceName": life.name,
        "ResourceType": "Node",
        "SkuId": life.instance_type,
        "PricingQuantity": hours,
        "PricingUnit": "Hours",
        "ConsumedQuantity": hours,
        "ConsumedUnit": "Hours",
        **dict.fromkeys(_COSTS, usd),
        "ListUnitPrice": price.usd_per_hour,
        "Tags": json.dumps({**tags, **{name: value for name, value in bought.items() if value}}),
        "x_PriceDate": f"{price.date}",
    }


def write_focus(frame: pd.DataFrame, path: Path) -> None:
    """Write rows as CSV or Parquet; in Parquet, times are timestamps in UTC.

    Raises
    ------
    KubelabError
        If the file's ending is neither ``.csv`` nor ``.parquet``, or pyarrow is not installed.
    """
    import pandas as pd

    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
        return
    if path.suffix != ".parquet":
        raise KubelabError(f"{path.name} is neither CSV nor Parquet. End its name in .csv or .parquet.")
    times = {name: pd.to_datetime(frame[name], utc=True) for name in frame if name.endswith(_TIMES)}
    texts = {name: frame[name].astype("string") for name in frame if frame[name].dtype == object}
    try:
        frame.assign(**{**texts, **times}).to_parquet(path, index=False)
    except ImportError:
        raise KubelabError(
            f"{path.name} cannot be written, as pyarrow is not installed. Run: pip install pyarrow, "
            "or write CSV."
        ) from None
