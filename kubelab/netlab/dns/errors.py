"""What can go wrong in the DNS lab."""

from __future__ import annotations

from kubelab.errors import KubelabError


class DnsNameError(KubelabError):
    """A text is no DNS name.

    Attributes
    ----------
    name : object
        The text, or what is none.
    why : str
        What DNS does not allow about it.
    """

    def __init__(self, name: object, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name!r} is no DNS name: {why}.")


class DnsOptionError(KubelabError, ValueError):
    """An option of the lab, its server or its zone makes no sense.

    Attributes
    ----------
    option : str
        Which.
    value : object
        What it was.
    remedy : str
        What to give.
    """

    def __init__(self, option: str, value: object, remedy: str) -> None:
        self.option, self.value, self.remedy = option, value, remedy
        super().__init__(f"{option}={value!r} does not work. {remedy}")


class ResolvConfError(KubelabError):
    """A pod's DNS settings cannot be written as a resolv.conf.

    Attributes
    ----------
    field : str
        The setting, such as ``dnsConfig.searches``.
    value : object
        What it was.
    remedy : str
        What is allowed.
    """

    def __init__(self, field: str, value: object, remedy: str) -> None:
        self.field, self.value, self.remedy = field, value, remedy
        super().__init__(f"{field} is {value!r}: {remedy}.")


class DnsLabError(KubelabError):
    """The DNS lab cannot do what was asked on this machine, or it ended.

    Attributes
    ----------
    problem : str
        What failed.
    remedy : str
        What mends it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}. {remedy}.")
