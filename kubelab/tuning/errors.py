"""What can be wrong with a search, as exceptions that carry fields and say how to mend it."""

from __future__ import annotations

from collections.abc import Iterable

from kubelab.errors import KubelabError


class TuningError(KubelabError, ValueError):
    """A search that cannot be made as it was asked for."""


class SpaceError(TuningError):
    """A parameter or a search space that holds nothing, or contradicts itself.

    Parameters
    ----------
    problem : str
        What is wrong, with the value.
    remedy : str
        How to write it.
    name : str, optional
        The parameter's name, where it has one already.
    """

    def __init__(self, problem: str, remedy: str, name: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        self.name = name
        super().__init__(f"{name}: {problem}. {remedy}" if name else f"{problem}. {remedy}")


class ProblemError(TuningError):
    """A search whose parts do not fit together, such as more trials at a time than in all.

    Parameters
    ----------
    problem : str
        What is wrong, with the value.
    remedy : str
        How to write it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}. {remedy}")


class UnknownNameError(TuningError):
    """A name that nothing answers to.

    Parameters
    ----------
    what : str
        What it should name, such as ``algorithm``.
    name : str
        The name.
    known : iterable of str
        The names that there are.
    """

    def __init__(self, what: str, name: object, known: Iterable[str]) -> None:
        self.what = what
        self.name = name
        self.known = sorted(known)
        there_are = ", ".join(self.known) or "none"
        super().__init__(f"{what} {name!r} is not known. Choose one of: {there_are}.")


class SettingError(TuningError):
    """A setting of an algorithm that is missing or has a value it cannot have.

    Parameters
    ----------
    algorithm, setting : str
        Whose setting, and which.
    problem : str
        What is wrong, with the value.
    remedy : str
        How to write it.
    """

    def __init__(self, algorithm: str, setting: str, problem: str, remedy: str) -> None:
        self.algorithm = algorithm
        self.setting = setting
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{algorithm}: {setting} {problem}. {remedy}")


class MissingPackageError(TuningError):
    """An algorithm needs a Python package that is not installed.

    Parameters
    ----------
    algorithm, package : str
        Which needs which.
    """

    def __init__(self, algorithm: str, package: str) -> None:
        self.algorithm = algorithm
        self.package = package
        super().__init__(
            f"algorithm {algorithm} needs the package {package}, which is not installed. "
            f"Run: pip install 'kubelab[lab]'. The algorithms random, grid and asha need none."
        )


class KatibError(TuningError):
    """A search that kubelab can make and plain Katib cannot.

    Parameters
    ----------
    problem : str
        What Katib does not know.
    remedy : str
        What to use instead.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"Katib cannot run this: {problem}. {remedy}")
