"""``python -m kubelab.recorder``: records until nothing is left to record.

It may be ended at any moment, by SIGTERM too: what it was about to write, the next one writes.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from pathlib import Path

_NICE = 19
"""Training comes first: the recorder takes what time is left."""


def main() -> None:
    """Record what runs on a lab cluster."""
    parser = argparse.ArgumentParser(prog="kubelab.recorder")
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--folder", required=True, type=Path)
    options = parser.parse_args()
    os.nice(_NICE)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_run(options.cluster, options.folder))


async def _run(cluster: str, folder: Path) -> None:
    from kubelab.client import Client
    from kubelab.clock import RealClock
    from kubelab.http import HttpTransport, Kubeconfig
    from kubelab.recorder.recorder import Recorder

    transport = HttpTransport(Kubeconfig.load(folder / "kubeconfig"))
    client = Client(transport, field_manager="kubelab-recorder", cluster=cluster, folder=folder)
    try:
        await Recorder(client, folder, RealClock()).run()
    finally:
        await client.close()


if __name__ == "__main__":
    main()
