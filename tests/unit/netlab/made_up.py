"""A comparison with round numbers: iptables grows with Services, nftables does not but loads slowly."""

from __future__ import annotations

from kubelab.netlab.results import Backend, Comparison, Environment, Latency, Measure, Position, Spread

ENVIRONMENT = Environment(
    kernel="6.18.44",
    cpu="AMD EPYC",
    cores=2,
    tools={"nft": "1.0.6"},
    privileges="root",
    date="2026-11-26T20:00:00Z",
    seed=0,
    machine="Linux 6.18.44, 2 x AMD EPYC",
)
SIZES = (1000, 5000)


def latency(p50: float) -> Latency:
    return Latency(p50 - 4, p50, p50 + 10, p50 + 40, p50 - 2, p50 + 3)


def measure(backend: Backend, services: int) -> Measure:
    slow = 0.006 * services if backend == "iptables-legacy" else 5.0
    by_position: dict[Position, float] = {"direct": 0, "first": 2, "middle": slow / 2, "last": slow}
    full_s, add_s = (
        (services / 1e4, services / 2e4) if backend == "iptables-legacy" else (services / 2e3, 0.05)
    )
    return Measure(
        backend,
        services,
        2,
        full_s=full_s,
        list_s=0.04,
        listed="at most once in 30 s" if backend == "iptables-legacy" else "every sync",
        add_s=add_s,
        add_bytes=138 * services if backend == "iptables-legacy" else 467,
        rules=8 * services + 5,
        latency={position: latency(20.0 + more) for position, more in by_position.items()},
        connections_per_s={position: 1e6 / (40 + more) for position, more in by_position.items()},
        spread={"full_s": Spread(full_s * 0.9, full_s * 1.2), "add_s": Spread(add_s, add_s)},
        repeats=3,
    )


def comparison(*, is_recorded: bool = False) -> Comparison:
    backends: tuple[Backend, ...] = ("iptables-legacy", "nftables")
    measures = [measure(backend, size) for backend in backends for size in SIZES]
    skipped = Measure("iptables-nft", 5000, 2, skipped="iptables-nft is not installed")
    return Comparison(ENVIRONMENT, (*measures, skipped), is_recorded)
