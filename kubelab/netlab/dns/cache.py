"""A node's cache for names, as NodeLocal DNSCache is: dnsmasq or unbound, at the link-local address."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from kubelab.netlab.dns.errors import DnsLabError

CACHE_ADDRESS = "169.254.20.10"
"""KEP-1024's address of the cache on every node."""
PROGRAMS = ("dnsmasq", "unbound")
_SYSTEM = "/usr/sbin:/usr/local/sbin:/sbin"
_ASKED = {
    "dnsmasq": re.compile(r" query\[(?P<type>\w+)\] (?P<name>\S+) from "),
    "unbound": re.compile(r"info: \S+ (?P<name>\S+)\. (?P<type>\w+) IN$", re.MULTILINE),
}
_UNBOUND = """server:
  interface: {address}
  access-control: 0.0.0.0/0 allow
  do-ip6: no
  do-not-query-localhost: no
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  logfile: "{log}"
  log-queries: yes
  module-config: "iterator"
  local-zone: "local." nodefault
forward-zone:
  name: "."
  forward-addr: {upstream}
"""


@dataclass(frozen=True)
class Cache:
    """A cache that is installed here.

    Parameters
    ----------
    program : str
        ``dnsmasq`` or ``unbound``.
    path : str
        Where it is.
    """

    program: str
    path: str

    def command(self, upstream: str, folder: Path) -> list[str]:
        """Return how to run it in the foreground; it writes what it is asked to `log`."""
        log = self.log(folder)
        if self.program == "unbound":
            settings = folder / "unbound.conf"
            settings.write_text(_UNBOUND.format(address=CACHE_ADDRESS, upstream=upstream, log=log))
            return [self.path, "-d", "-c", str(settings)]
        return [
            *(self.path, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"),
            *(f"--server={upstream}", f"--listen-address={CACHE_ADDRESS}", "--bind-interfaces"),
            *("--user=", "--group=", "--pid-file=", "--cache-size=10000", "--dns-forward-max=1000"),
            *("--log-queries", f"--log-facility={log}"),
        ]

    def log(self, folder: Path) -> Path:
        """Return the file that names what was asked."""
        return folder / "cache.log"

    def asked(self, folder: Path) -> list[tuple[str, str]]:
        """Return what the cache was asked, as (name, type), in order."""
        found = _ASKED[self.program].finditer(self.log(folder).read_text())
        return [(each["name"], each["type"]) for each in found]


def installed_cache() -> Cache | None:
    """Return the cache that this machine has, or None."""
    for program in PROGRAMS:
        path = shutil.which(program) or shutil.which(program, path=_SYSTEM)
        if path:
            return Cache(program, path)
    return None


def required_cache() -> Cache:
    """Return the cache that this machine has.

    Raises
    ------
    DnsLabError
        If it has none.
    """
    found = installed_cache()
    if found is None:
        raise DnsLabError(
            "no program for a node's cache is installed",
            "Install one: apt-get install dnsmasq-base (or unbound), or go on with cache=False",
        )
    return found
