"""Where the kernel spends a load's time: perf's samples by function, where perf may look."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from kubelab.errors import KubelabError
from kubelab.netlab import tools
from kubelab.netlab.errors import LoadingFailedError
from kubelab.netlab.maps import find_nft, rules, transactions_of

if TYPE_CHECKING:
    import pandas as pd

_ROW = re.compile(r"^\s*(?P<share>\d+\.\d+)%\s+\[(?P<where>[k.])\]\s+(?P<function>\S+)")
_RECORD = ("record", "--quiet", "--event", "cpu-clock", "--freq", "997")
_REPORT = ("report", "--stdio", "--no-children", "--fields", "overhead,symbol")


@dataclass(frozen=True, slots=True)
class Profile:
    """Self time by function.

    Attributes
    ----------
    functions : tuple of (str, float)
        Functions of the kernel and their shares of all samples, the greatest first.
    missing : str or None
        Why there are none.
    """

    functions: tuple[tuple[str, float], ...] = ()
    missing: str | None = None

    def frame(self) -> pd.DataFrame:
        """Return a row for each function: function, share of the time in %."""
        import pandas as pd

        return pd.DataFrame(
            [(name, 100 * share) for name, share in self.functions], columns=["function", "%"]
        )

    def __repr__(self) -> str:
        return f"<Profile {self.missing or f'of {len(self.functions)} kernel functions'}>"


def profile(maps: int = 4000, *, elements: int = 8000) -> Profile:
    """Load rules with an anonymous map each under ``perf record``; return where the kernel's time went.

    ``cpu-clock`` is sampled, which also virtual machines without hardware counters have. What the machine
    lacks is no error: `Profile.missing` says it.

    Parameters
    ----------
    maps, elements : int
        As in `kubelab.netlab.maps.rules`.
    """
    (text,) = transactions_of(rules(maps, elements, maps=True), root=True)
    perf = tools.find("perf")
    if perf is None:
        return Profile(missing="perf is not installed (Debian: `apt-get install linux-perf`)")
    if os.geteuid() != 0:
        return Profile(missing="perf sees the kernel's functions as root only")
    try:
        return _sample(perf, text)
    except KubelabError as error:
        return Profile(missing=f"perf gave nothing: {error}")


def _sample(perf: str, text: str) -> Profile:
    with TemporaryDirectory(prefix="kubelab-perf-") as folder:
        data, rules_file = f"{folder}/perf.data", Path(folder, "rules.nft")
        rules_file.write_text(text, encoding="utf-8")
        # perf does not run in a process namespace such as a `Network` has.
        _run("unshare", "--net", perf, *_RECORD, "--output", data, "--", find_nft(), "-f", str(rules_file))
        functions = read_report(_run(perf, *_REPORT, "--input", data))
    return Profile(functions) if functions else Profile(missing="perf saw no function of the kernel")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise LoadingFailedError("perf", next(iter(done.stderr.splitlines()), f"exit code {done.returncode}"))
    return done.stdout


def read_report(text: str, most: int = 10) -> tuple[tuple[str, float], ...]:
    """Return the kernel's functions in a report of perf (6.1) and their shares, from 0 to 1."""
    found = [
        (row["function"], float(row["share"]) / 100)
        for line in text.splitlines()
        if (row := _ROW.match(line)) and row["where"] == "k" and not row["function"].startswith("0x")
    ]
    return tuple(sorted(found, key=lambda each: -each[1])[:most])
