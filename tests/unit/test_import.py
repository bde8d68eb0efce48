import subprocess
import sys

import kubelab


def test_import_brings_in_nothing_heavy() -> None:
    heavy = ["jax", "ipywidgets", "plotly", "aiohttp", "pandas", "kubelab.engine"]
    code = f"import sys, kubelab; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_every_public_name_exists_and_they_are_few() -> None:
    assert len(kubelab.__all__) < 15
    for name in kubelab.__all__:
        assert getattr(kubelab, name) is not None
