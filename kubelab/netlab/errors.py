"""What can go wrong while rules are measured."""

from __future__ import annotations

from kubelab.errors import KubelabError


class NetworkUnavailableError(KubelabError):
    """The machine does not let the lab make a network, or lacks a tool.

    Attributes
    ----------
    reason : str
        What is missing, and what to do about it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason} Comparison.recorded() has results of another machine.")


class StoppedError(KubelabError):
    """Another thread stopped a measurement."""

    def __init__(self) -> None:
        super().__init__("Stopped before it was complete.")


class LoadingFailedError(KubelabError):
    """A tool did not load its rules, or a probe failed.

    Attributes
    ----------
    tool, said : str
        Which tool, and its first line of complaint.
    """

    def __init__(self, tool: str, said: str) -> None:
        self.tool, self.said = tool, said
        super().__init__(f"{tool} failed: {said}")


class TooManyServicesError(KubelabError):
    """The rules would not fit into memory.

    Attributes
    ----------
    services, most : int
        How many were asked for, and how many fit.
    """

    def __init__(self, services: int, most: int, free_bytes: int) -> None:
        self.services, self.most = services, most
        fewer = f"at most {most:,}" if most else "fewer endpoints"
        super().__init__(
            f"{services:,} Services need more memory than is free ({free_bytes / 2**20:,.0f} MiB). "
            f"Ask for {fewer}."
        )
