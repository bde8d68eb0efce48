"""What can go wrong, as exceptions that carry fields and say how to mend it."""

from __future__ import annotations

from typing import Any, ClassVar


class KubelabError(Exception):
    """The base of every error that kubelab raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the message, which says what to do, without a traceback."""
        return [f"{type(self).__name__}: {self}"]


class ApiError(KubelabError):
    """A Kubernetes API server's refusal, with the ``Status`` object it sent.

    Parameters
    ----------
    status : dict
        A ``v1`` ``Status`` as the API server returns it.

    Attributes
    ----------
    code : int
        HTTP status, such as 404.
    reason : str
        Machine-readable reason, such as ``NotFound``.
    message : str
        The server's sentence.
    causes : list of dict
        One ``{"reason", "message", "field"}`` for each invalid field.
    """

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status
        self.code = int(status.get("code", 500))
        self.reason = str(status.get("reason", ""))
        self.message = str(status.get("message", ""))
        details = status.get("details") or {}
        self.causes: list[dict[str, Any]] = list(details.get("causes") or [])
        super().__init__(self.message)

    @staticmethod
    def of(status: dict[str, Any]) -> ApiError:
        """Return the most specific error for a ``Status``."""
        by_reason: dict[str, type[ApiError]] = {
            "NotFound": NotFoundError,
            "AlreadyExists": AlreadyExistsError,
            "Conflict": ConflictError,
            "Expired": ExpiredError,
            "Gone": ExpiredError,
            "Invalid": InvalidError,
        }
        return by_reason.get(str(status.get("reason", "")), ApiError)(status)


class NotFoundError(ApiError):
    """The object does not exist (404)."""


class AlreadyExistsError(ApiError):
    """An object of that name exists (409)."""


class ConflictError(ApiError):
    """The object changed since it was read, or another manager owns the field (409)."""


class ExpiredError(ApiError):
    """The resource version is too old to continue or watch from (410): list again."""


class InvalidError(ApiError):
    """The object was understood but is not valid (422); see ``causes``."""


class ConnectionFailedError(KubelabError):
    """The API server did not answer."""

    remedy: ClassVar[str] = (
        "If it is a lab cluster, `kubelab status` shows it, and `kubelab up --name NAME` brings it back."
    )

    def __init__(self, server: str, cause: str) -> None:
        self.server = server
        self.cause = cause
        super().__init__(f"no answer from the API server at {server} ({cause}). {self.remedy}")
