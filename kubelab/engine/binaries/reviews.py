"""Who speaks, and whether they may: asked of kube-apiserver, as upstream's servers beside it do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubelab.client import Client, Object, Resource
from kubelab.engine.apiserver.status import failure, unauthorized

_TOKEN_REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False)
_ACCESS_REVIEWS = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)


async def user_of(client: Client, headers: Mapping[bytes, bytes], audiences: Sequence[str] = ()) -> Object:
    """Return the ``UserInfo`` of whom a request's bearer token belongs to.

    Parameters
    ----------
    audiences : sequence of str
        One of which the token must be for; the API server's own unless given.

    Raises
    ------
    ApiError
        401 if it is nobody's.
    """
    token = headers.get(b"authorization", b"").removeprefix(b"Bearer ").decode("latin-1")
    spec = {"token": token, **({"audiences": list(audiences)} if audiences else {})}
    answer = await _review(client, _TOKEN_REVIEWS, spec) if token else {}
    if not answer.get("authenticated"):
        raise unauthorized()
    user: Object = answer["user"]
    return user


async def check_path(client: Client, user: Object, path: str) -> None:
    """Refuse a user who may not read a path that is no object.

    Raises
    ------
    ApiError
        403 if so.
    """
    known = {"user" if key == "username" else key: value for key, value in user.items()}
    asked = {"nonResourceAttributes": {"path": path, "verb": "get"}}
    answer = await _review(client, _ACCESS_REVIEWS, {**known, **asked})
    if not answer.get("allowed"):
        raise failure(403, "Forbidden", f'forbidden: User "{user["username"]}" cannot get path "{path}"')


async def _review(client: Client, resource: Resource, spec: Object) -> Object:
    review = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": spec}
    status: Object = (await client.create(resource, review)).get("status") or {}
    return status
