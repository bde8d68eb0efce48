"""Record the comparison that is shown where rules cannot be loaded: ``python -m tests.bench.record_netlab``.

It takes about ten minutes as root on an idle machine, and replaces ``kubelab/netlab/recorded/full.json``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kubelab import netlab
from kubelab.netlab import BACKENDS, Comparison, Progress

FILE = Path(netlab.__file__).parent / "recorded" / "full.json"


def main() -> None:
    """Measure: two endpoints each, then one, with which the layouts of nftables differ most."""
    parts = [
        netlab.compare([1000, 5000, 10000], backends=BACKENDS, on_progress=_print, timeout_s=90),
        netlab.compare([10000], endpoints=1, backends=BACKENDS[2:], on_progress=_print, timeout_s=90),
        netlab.compare([10000, 30000], endpoints=1, on_progress=_print, timeout_s=90),
    ]
    measures = {
        (each.backend, each.services, each.endpoints): each for part in parts for each in part.measures
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(Comparison(parts[0].environment, tuple(measures.values())).to_json() + "\n")


def _print(progress: Progress) -> None:
    print(f"{progress.done}/{progress.total} {progress.doing}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
