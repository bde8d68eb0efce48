from __future__ import annotations

import subprocess
import sys

import kubelab.tuning


def test_import_brings_in_nothing_heavy() -> None:
    heavy = ["optuna", "numpy", "scipy", "sklearn", "jax", "cmaes", "aiohttp", "kubelab.training"]
    code = f"import sys, kubelab.tuning; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_every_public_name_exists() -> None:
    for name in kubelab.tuning.__all__:
        assert getattr(kubelab.tuning, name) is not None
