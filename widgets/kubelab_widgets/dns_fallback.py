"""A lookup as still HTML: what a report, or a notebook opened without a kernel, shows."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from kubelab_widgets.fallback import cells_of


def lookup_html(shown: Mapping[str, Any]) -> str:
    """Return the settings and queries of the last lookup; every text in it is escaped."""
    found = shown["lookup"]
    rows = "".join(
        f"<tr>{cells_of(place, each['name'], each['type'], each['answer'])}</tr>"
        for place, each in enumerate(found["queries"], 1)
    )
    head = "".join(f'<th scope="col">{each}</th>' for each in ("", "name", "type", "answer"))
    return (
        f'<div class="kubelab-dns"><p><b>{escape(found["name"])}</b>: {escape(found["summary"])}</p>'
        f"<pre>{escape(found['resolv_conf'])}</pre><table><tr>{head}</tr>{rows}</table></div>"
    )
