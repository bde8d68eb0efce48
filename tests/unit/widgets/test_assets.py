import re

from kubelab_widgets import assets


def test_neighbours_are_joined_once_and_before_what_uses_them() -> None:
    text = assets.module("jax_job_panel.js")
    assert text.count("class Series {") == 1
    assert text.index("class Series {") < text.index("class PanelState {")
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export \w+", text, re.MULTILINE) == ["export default"]


def test_only_exported_names_leave_a_neighbour() -> None:
    text = assets.module("jax_job_panel.js")
    assert (
        "const { PALETTES, Series, symbol, short, ticks, describe, layout, withoutOutliers, draw } = (() => {"
        in text
    )
