"""Record what is shown where rules cannot be loaded: ``python -m tests.bench.record_netlab``.

It takes about ten minutes as root on an idle machine, and replaces ``kubelab/netlab/recorded/full.json`` and
``maps.json``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kubelab import netlab
from kubelab.netlab import BACKENDS, Comparison, Progress, maps

FOLDER = Path(netlab.__file__).parent / "recorded"


def main() -> None:
    """Measure maps, then backends with two endpoints each, then one, where nftables' layouts differ most."""
    FOLDER.mkdir(exist_ok=True)
    study = maps.measure((500, 1000, 2000, 4000, 8000), elements=16_000)
    (FOLDER / "maps.json").write_text(study.to_json() + "\n")
    print(study.verdict(), file=sys.stderr, flush=True)
    parts = [
        netlab.compare([1000, 5000, 10000], backends=BACKENDS, on_progress=_print, timeout_s=90),
        netlab.compare([10000], endpoints=1, backends=BACKENDS[2:], on_progress=_print, timeout_s=90),
        netlab.compare([10000, 30000], endpoints=1, on_progress=_print, timeout_s=90),
    ]
    measures = {
        (each.backend, each.services, each.endpoints): each for part in parts for each in part.measures
    }
    text = Comparison(parts[0].environment, tuple(measures.values())).to_json()
    (FOLDER / "full.json").write_text(text + "\n")


def _print(progress: Progress) -> None:
    print(f"{progress.done}/{progress.total} {progress.doing}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
