"""Nobody grants by RBAC what they may not do themselves, unless they may ``escalate`` or ``bind``.

Upstream: ``pkg/registry/rbac/{role,rolebinding}/policybased``.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver.authorization import Authorizer, Question
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.requests import User
from kubelab.engine.apiserver.status import forbidden

RBAC = "rbac.authorization.k8s.io"
_MASTERS = "system:masters"
_EVERYTHING: Object = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def check_grant(authorizer: Authorizer, user: User, kind: Kind, obj: Object) -> None:
    """Refuse a role or binding that gives more than its author has.

    Raises
    ------
    ApiError
        403 that names the rules which are not held.
    """
    if _MASTERS in user.groups:
        return
    resource, meta = kind.resource, obj["metadata"]
    namespace = meta.get("namespace", "")
    reference = obj.get("roleRef")
    if reference is None:
        leave = Question("escalate", RBAC, resource.plural, "", namespace, meta["name"])
        rules = [_EVERYTHING] if obj.get("aggregationRule") else obj.get("rules") or []
    else:
        plural = f"{reference['kind'].lower()}s"
        leave = Question("bind", RBAC, plural, "", namespace, reference["name"])
        rules = authorizer.role_rules(reference, namespace)
    if authorizer.decide(user, leave)[0]:
        return
    lacking = [rule for rule in rules if not _holds(authorizer, user, rule, namespace)]
    if lacking:
        groups = orjson.dumps(list(user.groups)).decode()
        problem = (
            f'user "{user.name}" (groups={groups}) is attempting to grant RBAC permissions not currently '
            "held:\n" + "\n".join(map(_text, lacking))
        )
        raise forbidden(resource, meta["name"], problem)


def _holds(authorizer: Authorizer, user: User, rule: Object, namespace: str) -> bool:
    return all(authorizer.decide(user, question)[0] for question in _questions(rule, namespace))


def _questions(rule: Object, namespace: str) -> Iterator[Question]:
    """Yield everything that a rule allows, one by one; a ``*`` is asked for as itself."""
    for verb in rule.get("verbs") or ():
        for path in rule.get("nonResourceURLs") or ():
            yield Question(verb, path=path)
        for group in rule.get("apiGroups") or ():
            for asked in rule.get("resources") or ():
                plural, _, subresource = asked.partition("/")
                for name in rule.get("resourceNames") or ("",):
                    yield Question(verb, group, plural, subresource, namespace, name)


def _text(rule: Object) -> str:
    names = {"apiGroups": "APIGroups", "resources": "Resources", "resourceNames": "ResourceNames"}
    names |= {"nonResourceURLs": "NonResourceURLs", "verbs": "Verbs"}
    told = [f"{name}:{orjson.dumps(rule[key]).decode()}" for key, name in names.items() if rule.get(key)]
    return "{" + ", ".join(told) + "}"
