"""Addresses of simulated nodes and pods: from 198.18.0.0/15, which is set apart for tests (RFC 2544)."""

from __future__ import annotations

from ipaddress import IPv4Network

_NETWORK = IPv4Network("198.18.0.0/15")


class SimulatedAddresses:
    """Hands out addresses in turn, so that one that was let go is not soon given to another."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._of: dict[str, str] = {}
        self._next = 0

    def keep(self, owner: str, address: str) -> None:
        """Note an address that its owner has from before."""
        if self._of.get(owner) != address:
            self.release(owner)
            self._of[owner] = address
            self._owners[address] = owner

    def of(self, owner: str) -> str:
        """Return the owner's address, a new one the first time.

        Raises
        ------
        OSError
            If all 131,070 are in use.
        """
        if owner not in self._of:
            self.keep(owner, self._free())
        return self._of[owner]

    def release(self, owner: str) -> None:
        """Take an address back."""
        address = self._of.pop(owner, None)
        if address and self._owners.get(address) == owner:
            del self._owners[address]

    def _free(self) -> str:
        count = _NETWORK.num_addresses - 2
        for _ in range(count):
            address = str(_NETWORK[1 + self._next])
            self._next = (self._next + 1) % count
            if address not in self._owners:
                return address
        raise OSError(f"the {count} addresses of simulated nodes and pods are all in use")
