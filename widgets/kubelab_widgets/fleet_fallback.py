"""A fleet as still HTML: its price, groups and nodes with their pods, where no kernel is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from kubelab.live import Fleet, FleetSnapshot, GroupRow, NodeRow, PodRow, share
from kubelab_widgets.fallback import cells_of
from kubelab_widgets.still_chart import COLOURS

_WIDTH, _HEIGHT = 720, 60
_OTHER = "#8a929b"


def fleet_html(name: str, snapshot: FleetSnapshot) -> str:
    """Return the fleet's sums, groups and nodes; every text in it is escaped."""
    fleet = snapshot.fleet
    head = f"<p><b>{escape(name)}</b>: {fleet.nodes} nodes, {fleet.pods} pods, {fleet.pending} pending</p>"
    return (
        f'<div class="kubelab-fleet">{head}{_money(fleet)}{_groups(snapshot.groups)}{_nodes(snapshot)}</div>'
    )


def dates_of(dates: Sequence[str]) -> str:
    """Return of when prices are, to follow a sum; "" if there are none."""
    if not dates:
        return ""
    return f"; prices of {escape(dates[0] if dates[0] == dates[-1] else f'{dates[0]} to {dates[-1]}')}"


def _money(fleet: Fleet) -> str:
    if not fleet.price_dates:
        return ""
    unknown = f"; {fleet.unpriced} nodes without a price" if fleet.unpriced else ""
    sums = f"{fleet.usd_per_hour:,.2f} USD/h; {fleet.spent_usd:,.2f} USD from {fleet.since} to {fleet.now}"
    return f"<p>{sums}{dates_of(fleet.price_dates)}{unknown}</p>"


def _groups(groups: Sequence[GroupRow]) -> str:
    heads = ("group", "type", "bought", "nodes", "target", "at most", "USD/h of a node")
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    rows = "".join(f"<tr>{cells_of(*_cells(group))}</tr>" for group in groups)
    return f"<table><tr>{head}</tr>{rows}</table>" if rows else ""


def _cells(group: GroupRow) -> tuple[object, ...]:
    price = "" if group.usd_per_hour is None else f"{group.usd_per_hour:g} ({group.price_date})"
    sizes = ("" if size is None else size for size in (group.target, group.most))
    return group.name, group.instance_type, group.capacity_type, group.size, *sizes, price


def _nodes(snapshot: FleetSnapshot) -> str:
    """Return a picture of the nodes as columns in rows, by group."""
    order = {group.name: place for place, group in enumerate(snapshot.groups)}
    nodes = sorted(snapshot.nodes, key=lambda node: (order.get(node.group, -1), node.number))
    if not nodes:
        return ""
    pods: dict[str, list[PodRow]] = {}
    for pod in snapshot.pods:
        pods.setdefault(pod.node, []).append(pod)
    colours = _colours(snapshot.pods)
    step = max(6, min(24, _WIDTH // len(nodes)))
    a_row = _WIDTH // step
    drawn = "".join(
        _node(
            node,
            pods.get(node.name, ()),
            colours,
            (place % a_row * step, place // a_row * (_HEIGHT + 4)),
            step,
        )
        for place, node in enumerate(nodes)
    )
    height = -(-len(nodes) // a_row) * (_HEIGHT + 4)
    title = f"{len(nodes)} nodes as columns, each filled as far as its pods ask for it"
    legend = ", ".join(
        f'<span style="color: {colour}">■</span> {escape(name)}' for name, colour in colours.items()
    )
    return (
        f'<figure><svg role="img" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'aria-label="{title}">{drawn}</svg><figcaption>{legend}</figcaption></figure>'
    )


def _node(
    node: NodeRow, pods: Sequence[PodRow], colours: dict[str, str], at: tuple[int, int], step: int
) -> str:
    x, y = at
    frame = (
        f'<rect x="{x + 0.5}" y="{y + 0.5}" width="{step - 2}" height="{_HEIGHT - 1}" '
        f'fill="none" stroke="{_OTHER}" stroke-width="0.5"/>'
    )
    shares = [share(pod, node) for pod in pods]
    scale = _HEIGHT / max(1.0, sum(shares))
    bottom, blocks = float(y + _HEIGHT), []
    for namespace, part in _runs(pods, shares):
        bottom -= part * scale
        blocks.append(
            f'<rect x="{x + 1}" y="{bottom:.1f}" width="{step - 3}" height="{part * scale:.1f}" '
            f'fill="{colours.get(namespace, _OTHER)}"/>'
        )
    return f"<g><title>{escape(node.name)}: {len(pods)} pods</title>{frame}{''.join(blocks)}</g>"


def _runs(pods: Sequence[PodRow], shares: Sequence[float]) -> list[tuple[str, float]]:
    """Return how much of a node each namespace has: a picture of thousands of pods stays small."""
    total: dict[str, float] = {}
    for pod, part in zip(pods, shares, strict=True):
        total[pod.namespace] = total.get(pod.namespace, 0.0) + part
    return list(total.items())


def _colours(pods: Sequence[PodRow]) -> dict[str, str]:
    names = sorted({pod.namespace for pod in pods})
    return dict(zip(names, COLOURS, strict=False)) | dict.fromkeys(names[len(COLOURS) :], _OTHER)
