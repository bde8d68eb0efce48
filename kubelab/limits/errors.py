"""What can be wrong with a measurement of a cluster's limits."""

from __future__ import annotations

from kubelab.errors import KubelabError


class LimitsOptionError(KubelabError, ValueError):
    """An option of the measurement makes no sense."""

    def __init__(self, option: str, value: object, remedy: str) -> None:
        self.option = option
        self.value = value
        super().__init__(f"{option}={value!r} does not work. {remedy}")


class LimitsBusyError(KubelabError):
    """Another run measures the same cluster; two at once would measure each other."""

    def __init__(self, namespace: str, holder: str, until: str) -> None:
        self.namespace = namespace
        self.holder = holder
        super().__init__(
            f"{holder} measures this cluster already, in the namespace {namespace}. Wait until it is done, "
            f"at {until} at the latest; a run that was killed is removed by the next one after that."
        )


class LimitsRefusedError(KubelabError):
    """The cluster does not let its user do what the measurement needs."""

    def __init__(self, what: str, message: str) -> None:
        self.what = what
        super().__init__(
            f"the measurement needs to {what}, and the cluster refuses it: {message}. Use a context whose "
            "user may do that, or a cluster of your own: Cluster.connect() needs nothing."
        )


class VirtualTimeError(KubelabError):
    """A simulated cluster has no speed."""

    def __init__(self) -> None:
        super().__init__(
            "time stands still on a simulated cluster, so it has no latency to measure. "
            "Use Cluster.connect(), with simulated nodes: cluster.limits(nodes=100)."
        )
