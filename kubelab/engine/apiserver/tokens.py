"""Service account tokens: signed JWTs with an audience and a lifetime, bound to a pod where asked.

The claims are those of upstream's ``pkg/serviceaccount/claims.go``; the signature is ES256.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

from kubelab.client import PODS, SECRETS, SERVICE_ACCOUNTS, Object, Resource
from kubelab.clock import Clock, rfc3339
from kubelab.engine.apiserver.bodies import decode_as
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.requests import FieldError, Reply, Request, Target, User, reply
from kubelab.engine.apiserver.status import bad_request, conflict, invalid, not_found
from kubelab.engine.apiserver.tls import write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

API_AUDIENCE = "https://kubernetes.default.svc.cluster.local"
"""Issuer of the tokens, and the audience of those that speak to this server."""

_SHORTEST_S = 600
_LONGEST_S = 2**32
_DEFAULT_S = 3600
_REMEMBERED = 1024
_TOKEN_REQUEST = Resource("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest")
_BOUND = {"Pod": PODS, "Secret": SECRETS}


class ServiceAccountTokens:
    """Issues and verifies tokens with a key of the cluster's own.

    Parameters
    ----------
    key_file : Path
        The private key; made when it is first needed.
    """

    def __init__(self, key_file: Path, objects: Objects, clock: Clock) -> None:
        self._key_file = key_file
        self._objects = objects
        self._clock = clock
        self._key: EllipticCurvePrivateKey | None = None
        self._verified: dict[str, Object] = {}

    def issue(self, request: Request, target: Target) -> Reply:
        """Answer a TokenRequest for a service account.

        Raises
        ------
        ApiError
            404 if the account or the bound object does not exist, 409 if the latter is another one by now,
            422 if the lifetime is too short.
        """
        stored = self._objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(SERVICE_ACCOUNTS, target.name)
        body = decode_as(_TOKEN_REQUEST, "io.k8s.api.authentication.v1.TokenRequest", request)
        spec = body["spec"] = body.get("spec") or {}
        if spec.get("expirationSeconds") is None:
            spec["expirationSeconds"] = _DEFAULT_S
        spec["audiences"] = spec.get("audiences") or [API_AUDIENCE]
        _check_lifetime(spec["expirationSeconds"])
        kubernetes: Object = {
            "namespace": target.namespace,
            "serviceaccount": {"name": target.name, "uid": stored.object()["metadata"]["uid"]},
        }
        if spec.get("boundObjectRef"):
            kubernetes |= self._bound(target.namespace, spec["boundObjectRef"])
        now = self._clock.now()
        expires = now + timedelta(seconds=spec["expirationSeconds"])
        token = self._sign(_claims(now, expires, spec["audiences"], target, kubernetes))
        body |= {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
        body["metadata"] = {
            "name": target.name,
            "namespace": target.namespace,
            "creationTimestamp": rfc3339(now),
        }
        body["status"] = {"token": token, "expirationTimestamp": rfc3339(expires)}
        return reply(body, 201)

    def verify(self, token: str) -> User | None:
        """Return the account a token stands for; None if it is forged, expired, or its object is gone."""
        claims = self._verified.get(token) or self._claims_of(token)
        if claims is None or not self._is_current(claims):
            self._verified.pop(token, None)
            return None
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token] = claims
        return _user(claims)

    def _bound(self, namespace: str, reference: Object) -> Object:
        kind, name, uid = reference.get("kind", ""), reference.get("name", ""), reference.get("uid", "")
        resource = _BOUND.get(kind)
        if resource is None:
            raise bad_request(f"cannot bind token for serviceaccount to a {kind}: bind it to a Pod or Secret")
        stored = self._objects.store.collection(resource).latest((namespace, name))
        if stored is None:
            raise not_found(resource, name)
        metadata = stored.object()["metadata"]
        if uid and uid != metadata["uid"]:
            problem = (
                f"the UID in the bound object reference ({uid}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
            raise conflict(resource, name, problem)
        return {kind.lower(): {"name": name, "uid": metadata["uid"]}}

    def _is_current(self, claims: Object) -> bool:
        if claims["exp"] <= self._clock.now().timestamp():
            return False
        kubernetes = claims["kubernetes.io"]
        named = {"serviceaccount": SERVICE_ACCOUNTS, "pod": PODS, "secret": SECRETS}
        return all(
            self._exists(resource, kubernetes["namespace"], kubernetes[key])
            for key, resource in named.items()
            if key in kubernetes
        )

    def _exists(self, resource: Resource, namespace: str, reference: Object) -> bool:
        stored = self._objects.store.collection(resource).objects.get((namespace, reference["name"]))
        return stored is not None and stored.object()["metadata"]["uid"] == reference["uid"]

    def _private_key(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        if self._key is None:
            if not self._key_file.exists():
                self._key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                write_private(self._key_file, pem)
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise TypeError(f"{self._key_file} is not an elliptic curve key")
            self._key = key
        return self._key

    def _sign(self, claims: Object) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        signed = b".".join(_encode(orjson.dumps(part)) for part in ({"alg": "ES256", "typ": "JWT"}, claims))
        signature = self._private_key().sign(signed, ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(signature)
        return b".".join((signed, _encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")))).decode()

    def _claims_of(self, token: str) -> Object | None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        if not token.isascii() or token.count(".") != 2:
            return None
        signed, _, encoded = token.encode().rpartition(b".")
        try:
            signature = _decode(encoded)
            parts = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
            public = self._private_key().public_key()
            public.verify(utils.encode_dss_signature(*parts), signed, ec.ECDSA(hashes.SHA256()))
            claims: Object = orjson.loads(_decode(signed.partition(b".")[2]))
        except (InvalidSignature, ValueError):
            return None
        return claims


def _claims(
    now: datetime, expires: datetime, audiences: Sequence[str], target: Target, kubernetes: Object
) -> Object:
    return {
        "aud": list(audiences),
        "exp": int(expires.timestamp()),
        "iat": int(now.timestamp()),
        "iss": API_AUDIENCE,
        "jti": str(uuid4()),
        "kubernetes.io": kubernetes,
        "nbf": int(now.timestamp()),
        "sub": f"system:serviceaccount:{target.namespace}:{target.name}",
    }


def _user(claims: Object) -> User:
    kubernetes = claims["kubernetes.io"]
    extra = {"authentication.kubernetes.io/credential-id": (f"JTI={claims['jti']}",)}
    if "pod" in kubernetes:
        extra["authentication.kubernetes.io/pod-name"] = (kubernetes["pod"]["name"],)
        extra["authentication.kubernetes.io/pod-uid"] = (kubernetes["pod"]["uid"],)
    groups = (
        "system:serviceaccounts",
        f"system:serviceaccounts:{kubernetes['namespace']}",
        "system:authenticated",
    )
    return User(claims["sub"], groups, kubernetes["serviceaccount"]["uid"], extra, tuple(claims["aud"]))


def _check_lifetime(seconds: int) -> None:
    detail = ""
    if seconds < _SHORTEST_S:
        detail = "may not specify a duration less than 10 minutes"
    elif seconds > _LONGEST_S:
        detail = "may not specify a duration larger than 2^32 seconds"
    if detail:
        message = f"Invalid value: {seconds}: {detail}"
        raise invalid(
            _TOKEN_REQUEST, "", [FieldError("FieldValueInvalid", message, "spec.expirationSeconds")]
        )


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(data: bytes) -> bytes:
    return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
