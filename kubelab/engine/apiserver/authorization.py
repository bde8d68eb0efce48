"""RBAC: what a user may do, by the roles bound to it. ``system:masters`` may do everything.

After upstream's ``plugin/pkg/auth/authorizer/rbac``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubelab.client import Object, Resource
from kubelab.engine.apiserver.requests import Request, Target, User
from kubelab.engine.apiserver.status import failure, forbidden
from kubelab.engine.apiserver.store import Store

_GROUP = "rbac.authorization.k8s.io"
_CLUSTER_ROLES = Resource(_GROUP, "v1", "clusterroles", "ClusterRole", namespaced=False)
_CLUSTER_ROLE_BINDINGS = Resource(_GROUP, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)
_ROLES = Resource(_GROUP, "v1", "roles", "Role")
_ROLE_BINDINGS = Resource(_GROUP, "v1", "rolebindings", "RoleBinding")
_MASTERS = "system:masters"

_READ_PATHS = ("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz")
"""What upstream's ``system:discovery`` and ``system:public-info-viewer`` let everybody read."""

_SELF_REVIEWS = frozenset({"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"})


@dataclass(frozen=True, slots=True)
class Question:
    """May somebody do this? Either a resource or a path is asked about."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Authorizer:
    """Decides by the roles and bindings in the store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def check(self, request: Request, target: Target | None) -> None:
        """Refuse what the user may not do.

        Raises
        ------
        ApiError
            403 with upstream's sentence.
        """
        user = request.user
        if _MASTERS in user.groups:
            return
        question = _question(request, target)
        if not self.decide(user, question)[0]:
            raise _refusal(user, question, target)

    def decide(self, user: User, question: Question) -> tuple[bool, str]:
        """Return whether a user may, and why."""
        if _MASTERS in user.groups:
            return True, ""
        if question.path and question.verb in {"get", "head"} and question.path.startswith(_READ_PATHS):
            return True, ""
        if question.resource in _SELF_REVIEWS and question.verb == "create":
            return True, ""
        for reason, rule in self._bound_rules(user, question.namespace):
            if _allows(rule, question):
                return True, f"RBAC: allowed by {reason}"
        return False, ""

    def rules(self, user: User, namespace: str) -> list[Object]:
        """Return every rule that holds for a user in a namespace."""
        if _MASTERS in user.groups:
            return [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ]
        return [rule for _, rule in self._bound_rules(user, namespace)]

    def _bound_rules(self, user: User, namespace: str) -> Iterator[tuple[str, Object]]:
        for stored in self.store.collection(_CLUSTER_ROLE_BINDINGS).objects.values():
            yield from self._rules_of(stored.object(), user, "")
        if namespace:
            for key, stored in self.store.collection(_ROLE_BINDINGS).objects.items():
                if key[0] == namespace:
                    yield from self._rules_of(stored.object(), user, namespace)

    def _rules_of(self, binding: Object, user: User, namespace: str) -> Iterator[tuple[str, Object]]:
        if not any(_is_subject(each, user, namespace) for each in binding.get("subjects") or []):
            return
        reference = binding["roleRef"]
        reason = (
            f'{binding["kind"]} "{binding["metadata"]["name"]}" of {reference["kind"]} "{reference["name"]}"'
        )
        for rule in self.role_rules(reference, namespace):
            yield reason, rule

    def role_rules(self, reference: Object, namespace: str) -> list[Object]:
        """Return the rules of the role that a binding in a namespace refers to; none if it is not there."""
        cluster = reference["kind"] == "ClusterRole"
        collection = self.store.collection(_CLUSTER_ROLES if cluster else _ROLES)
        stored = collection.objects.get(("" if cluster else namespace, reference["name"]))
        return (stored.object().get("rules") or []) if stored is not None else []


def _question(request: Request, target: Target | None) -> Question:
    if target is None:
        return Question(request.method.lower(), path=request.path)
    resource = target.resource
    return Question(
        _verb(request, target),
        resource.group,
        resource.plural,
        target.subresource,
        target.namespace,
        target.name,
    )


def _verb(request: Request, target: Target) -> str:
    if request.method == "GET":
        if request.flag("watch"):
            return "watch"
        return "get" if target.name else "list"
    if request.method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(request.method, request.method.lower())


def _is_subject(subject: Object, user: User, namespace: str) -> bool:
    if subject["kind"] == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{subject['name']}"
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    return bool(subject["name"] == user.name)


def _allows(rule: Object, question: Question) -> bool:
    if not {"*", question.verb} & set(rule.get("verbs") or []):
        return False
    if question.path:
        return any(
            url in {"*", question.path} or (url.endswith("*") and question.path.startswith(url[:-1]))
            for url in rule.get("nonResourceURLs") or []
        )
    asked = f"{question.resource}/{question.subresource}" if question.subresource else question.resource
    names = rule.get("resourceNames") or []
    return bool(
        {"*", question.group} & set(rule.get("apiGroups") or [])
        and {"*", asked, f"*/{question.subresource}"} & set(rule.get("resources") or [])
        and (not names or question.name in names)
    )


def _refusal(user: User, question: Question, target: Target | None) -> Exception:
    if target is None:
        message = f'forbidden: User "{user.name}" cannot {question.verb} path "{question.path}"'
        return failure(403, "Forbidden", message, {})
    asked = f"{question.resource}/{question.subresource}" if question.subresource else question.resource
    where = f'in the namespace "{question.namespace}"' if question.namespace else "at the cluster scope"
    action = f'cannot {question.verb} resource "{asked}" in API group "{question.group}"'
    problem = f'User "{user.name}" {action} {where}'
    return forbidden(target.resource, target.name, problem)
