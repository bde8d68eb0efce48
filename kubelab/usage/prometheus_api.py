"""`PrometheusApi`: two questions of Prometheus' HTTP API v1, a few at a time, and once more if need be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from yarl import URL

from kubelab.errors import KubelabError

AT_ONCE = 6
"""Queries on their way at a time: as many workers has krr; more can bring small servers down."""

_TOO_MUCH = 422
_ATTEMPTS = 2
_LONGEST_CAUSE = 200


class PrometheusUrlError(KubelabError, ValueError):
    """No Prometheus can be at such a URL.

    Attributes
    ----------
    url : str
    """

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(f"{url!r} is not the URL of a Prometheus. Give one such as http://localhost:9090.")


class PrometheusError(KubelabError):
    """Prometheus did not answer, or refused.

    Attributes
    ----------
    cause : str
    too_much : bool
        Whether it refused as the answer would be too large, so that less may be asked for.
    """

    def __init__(self, url: str, cause: str, *, too_much: bool = False) -> None:
        self.url = url
        self.cause = cause
        self.too_much = too_much
        super().__init__(f"Prometheus at {url}: {cause}")


class PrometheusApi:
    """Asks one server; an async context manager.

    Parameters
    ----------
    url : str
        Where it is, with the path that it may be served under.
    headers : mapping, optional
        Such as ``Authorization`` or ``X-Scope-OrgID``.
    timeout_s : float
        How long a query may take; Prometheus is told too.

    Raises
    ------
    PrometheusUrlError
        If that is no URL.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = 60.0
    ) -> None:
        self._url = _parsed(url)
        self.name = str(self._url.with_user(None).with_query(None))
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    async def series(self, *selectors: str, start: float, end: float) -> list[dict[str, str]]:
        """Return the labels of the series that there were between two times.

        Raises
        ------
        PrometheusError
            If it does not answer, or refuses.
        """
        found: list[dict[str, str]] = await self._ask(
            "series", [("match[]", each) for each in selectors], start, end
        )
        return found

    async def query_range(self, query: str, *, start: float, end: float, step_s: float) -> list[Any]:
        """Return a query's series: ``{"metric": labels, "values": [[seconds, "text"], ...]}``.

        Raises
        ------
        PrometheusError
            If it does not answer, or refuses.
        """
        asked = [("query", query), ("step", f"{step_s}"), ("timeout", f"{self._timeout_s * 1000:.0f}ms")]
        found: list[Any] = (await self._ask("query_range", asked, start, end))["result"]
        return found

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(self, what: str, asked: list[tuple[str, str]], start: float, end: float) -> Any:
        """Ask by POST, as lists of pods are longer than URLs may be."""
        form = [*asked, ("start", f"{start}"), ("end", f"{end}")]
        async with self._turns:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return await self._answer(what, form)
                except (aiohttp.ClientError, TimeoutError) as error:
                    if attempt == _ATTEMPTS or isinstance(error, TimeoutError):
                        raise PrometheusError(self.name, self._cause(error)) from error
        raise AssertionError  # the loop returns or raises

    async def _answer(self, what: str, form: list[tuple[str, str]]) -> Any:
        if self._session is None:
            raise RuntimeError("use it as an async context manager")
        async with self._session.post(self._url / "api/v1" / what, data=form) as answer:
            body = await answer.read()
            if answer.status >= 500 and not body.startswith(b"{"):
                answer.raise_for_status()
        try:
            content = orjson.loads(body)
            if content["status"] == "success":
                return content["data"]
            cause = f"{content['error']}"
        except (ValueError, KeyError, TypeError):
            cause = f"status {answer.status}, and not an answer of Prometheus"
        raise PrometheusError(self.name, cause[:_LONGEST_CAUSE], too_much=answer.status == _TOO_MUCH)

    def _cause(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout_s:g} s"
        if isinstance(error, aiohttp.ClientResponseError):
            return f"status {error.status} {error.message}"
        return f"no answer ({error or type(error).__name__})"


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        raise PrometheusUrlError(url) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise PrometheusUrlError(url)
    return parsed
