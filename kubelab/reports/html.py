"""An executed notebook as one HTML file: no code, no network, readable on paper."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import nbformat

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; background: #fff }
h1, h2, h3 { line-height: 1.2; margin-top: 2rem }
pre { white-space: pre-wrap; font-size: .85rem }
table { border-collapse: collapse; border: 0; font-size: .85rem }
th, td { padding: .2rem .75rem .2rem 0; border: 0; border-bottom: 1px solid #d8dee4;
         text-align: left; vertical-align: top; overflow-wrap: break-word }
img, svg { max-width: 100% }
.anchor-link { display: none }
.failure { border-left: 4px solid #b42318; padding-left: 1rem }
@media print { body { margin: 0 } }
"""
_PRIORITY = ["text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain"]


def to_html(notebook: Path, *, title: str) -> str:
    """Return a self-contained page with the notebook's prose and results.

    Widgets appear as their ``text/html`` form; nothing is loaded from a network.
    """
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    config = Config()
    config.NbConvertBase.display_data_priority = _PRIORITY
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_cell_tags = {"parameters", "injected-parameters", "remove-cell"}
    exporter = HTMLExporter(
        config=config, template_name="basic", exclude_input=True, exclude_output_prompt=True
    )
    book = nbformat.read(notebook, as_version=4)
    body, _ = exporter.from_notebook_node(book)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{without_network(body)}</body></html>\n"
    )


def without_network(body: str) -> str:
    """Return HTML without scripts and style sheets that a browser would fetch."""
    body = re.sub(r"<script[^>]*\bsrc=[^>]*>\s*</script>", "", body)
    return re.sub(r"<link[^>]*\bhref=[\"']https?:[^>]*>", "", body)
