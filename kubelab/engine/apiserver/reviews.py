"""Kinds that are only asked: who am I, may I, is this token good; and bindings posted by kind."""

from __future__ import annotations

from kubelab.client import PODS, Object
from kubelab.engine.apiserver.auth import Authenticator
from kubelab.engine.apiserver.authorization import Authorizer, Question
from kubelab.engine.apiserver.bindings import Bindings
from kubelab.engine.apiserver.bodies import decode
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.requests import Answer, Request, Target, User, reply
from kubelab.engine.apiserver.status import method_not_allowed, no_such_path
from kubelab.engine.apiserver.tokens import API_AUDIENCE


class Reviews:
    """Answers creations of kinds that are never stored."""

    def __init__(
        self, kinds: Kinds, authenticator: Authenticator, authorizer: Authorizer, bindings: Bindings
    ) -> None:
        self.kinds = kinds
        self.authenticator = authenticator
        self.authorizer = authorizer
        self.bindings = bindings

    async def answer(self, request: Request, target: Target) -> Answer:
        """Answer a review with its status filled in."""
        if request.method != "POST" or target.name:
            raise method_not_allowed()
        body, warnings = decode(request, target.kind)
        match target.resource.kind:
            case "Binding":
                return await self._bind(request, target, body)
            case "TokenReview":
                body["status"] = self._review_token(body.get("spec") or {})
            case "SelfSubjectReview":
                body["status"] = {"userInfo": user_info(request.user)}
            case "SelfSubjectRulesReview":
                body["status"] = self._rules(request.user, body.get("spec") or {})
            case _:
                body["status"] = self._access(request.user, target, body.get("spec") or {})
        return reply(body, 201, warnings)

    async def _bind(self, request: Request, target: Target, body: Object) -> Answer:
        pods = self.kinds.get("", "v1", PODS.plural)
        if pods is None:
            raise no_such_path()
        name = (body.get("metadata") or {}).get("name", "")
        return await self.bindings.bind(request, Target(pods, target.namespace, name, "binding"))

    def _review_token(self, spec: Object) -> Object:
        user = self.authenticator.of_token(spec.get("token") or "")
        asked = spec.get("audiences") or [API_AUDIENCE]
        if user is None:
            return {"authenticated": False, "error": "[invalid bearer token, Token has been invalidated]"}
        good = [each for each in asked if each in (user.audiences or (API_AUDIENCE,))]
        if not good:
            return {"authenticated": False, "error": f"token audiences {list(user.audiences)} is invalid"}
        return {"authenticated": True, "user": user_info(user), "audiences": good}

    def _access(self, user: User, target: Target, spec: Object) -> Object:
        if not target.resource.kind.startswith("Self"):
            user = User(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "")
        allowed, reason = self.authorizer.decide(user, _question(target, spec))
        return {"allowed": allowed, **({"reason": reason} if reason else {})}

    def _rules(self, user: User, spec: Object) -> Object:
        rules = self.authorizer.rules(user, spec.get("namespace") or "")
        resource = [rule for rule in rules if rule.get("resources")]
        other = [rule for rule in rules if rule.get("nonResourceURLs")]
        return {"resourceRules": resource, "nonResourceRules": other, "incomplete": False}


def user_info(user: User) -> Object:
    """Return ``authentication.k8s.io/v1`` UserInfo."""
    info: Object = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info


def _question(target: Target, spec: Object) -> Question:
    path = spec.get("nonResourceAttributes")
    if path:
        return Question(path.get("verb") or "", path=path.get("path") or "")
    asked = spec.get("resourceAttributes") or {}
    return Question(
        asked.get("verb") or "",
        asked.get("group") or "",
        asked.get("resource") or "",
        asked.get("subresource") or "",
        asked.get("namespace") or target.namespace,
        asked.get("name") or "",
    )
