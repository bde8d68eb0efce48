"""List and watch: selectors, pages, the versions that may be asked for, and what a watch begins with."""

from __future__ import annotations

import itertools

from tests.conformance.cases import JOB_SETS, JOBS, MAPS, NS, PODS, config_map, pod
from tests.conformance.raw import Call

_LABEL_SELECTORS = [
    "x+in",
    "x+in+(",
    "x+in+(1",
    "x+in+(1,",
    "x+in+(1+2)",
    "x+in+(1,,2)",
    "x+in+(,)",
    "x+in+(,1)",
    "x+in+(1,)",
    "x+in+)",
    "x+notin+1",
    "x+notin",
    "in",
    "in+in+(in)",
    "notin",
    "x%3D",
    "x%3D%3D",
    "x!%3D",
    "x!",
    "!",
    "!!x",
    "!x%3D1",
    "!x,y",
    "x+y%3D1",
    "x%3D1+y%3D2",
    "x%3D1,",
    ",x%3D1",
    "x%3D1,,",
    "x%3C1",
    "x%3E",
    "x%3E1.5",
    "x%3D%3D%3D1",
    "x%3D!1",
    "x%3C%3E1",
    "x%3Da%20b",
    "x%3D*",
    "x%3D%22a%22",
    "x.y/z%3D1",
    "x/y/z%3D1",
    "/x%3D1",
    "x/%3D1",
    "X_/y%3D1",
    "-x",
    "x-",
    "x+in+(a,-b)",
    "x%3Din",
    "x%3D(1)",
    "%20x%20",
    "%20",
    "x%20in%20(%201%20,%202%20)",
    "x%09in%0A(1)",
    "x&&y",
    "%C3%A9%3D1",
    "x%3D%C3%A9",
    "x+exists",
    "x+gt+1",
    "x+IN+(1)",
    "()",
    "x()",
    "x+in+((1))",
    "x+in+(1))",
]
_FIELD_SELECTORS = [
    r"metadata.name%3Da,metadata.name!%3Db",
    r"metadata.name%3D%3Da",
    r"metadata.namespace%3D{ns}",
    r"metadata.namespace!%3D{ns}",
    r"metadata.name",
    r"metadata.name%3D",
    r"%3Da",
    r"metadata.name%3Da,",
    r",",
    r"metadata.name%3Da%3Db",
    r"metadata.name%3Da%5C,b",
    r"metadata.name%3Da%5C%3Db",
    r"metadata.name%3Da%5C%5C",
    r"metadata.name%3Da%5C",
    r"metadata.name%3Da%5Cn",
    r"metadata.name!a",
    r"metadata.labels.x%3D1",
    r"%20metadata.name%3Da",
    r"metadata.name%20%3D%20a",
    r"metadata.name%3Da%20",
    r"metadata.uid%3Da",
    r"metadata.name%3D%22a%22",
    r"metadata.nope!%3Da",
]
_POD_SELECTORS = [
    "spec.nodeName%3D",
    "spec.nodeName!%3D",
    "spec.restartPolicy%3DAlways",
    "spec.hostNetwork%3Dfalse",
    "spec.schedulerName%3Ddefault-scheduler",
    "spec.serviceAccountName%3Ddefault",
    "status.podIP%3D",
    "status.podIPs%3D",
    "status.nominatedNodeName%3D",
    "status.phase%3DPending",
    "status.reason%3Dx",
    "spec%3Dx",
]

_VERSIONS = ("", "0", "1", "x", "-1", "99999999")
_MATCHES = (None, "", "Exact", "NotOlderThan", "Nope")
_NOWHERE = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0"
_UNVERSIONED = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhXHUwMDAwIn0"
_OTHER = "eyJ2IjoidjkiLCJydiI6MSwic3RhcnQiOiJhIn0"


def _matrix(path: str) -> list[Call]:
    """Every version with every match, with and without a token."""
    calls = []
    for version, match, token in itertools.product(_VERSIONS, _MATCHES, ("", _NOWHERE)):
        if version == "99999999" and match != "Exact":
            continue  # each waits for three seconds
        if version == "1" and match == "Exact" and not token:
            continue  # kept longer here than there
        options = [f"resourceVersion={version}"] if version else []
        options += [f"resourceVersionMatch={match}"] if match is not None else []
        options += [f"continue={token}"] if token else []
        calls.append(Call("GET", f"{path}?{'&'.join(options)}"))
    return calls


def _watch(options: str, path: str = MAPS) -> Call:
    return Call("GET", f"{path}?watch=true&timeoutSeconds=1&{options}")


def _watch_matrix(path: str) -> list[Call]:
    calls = []
    for version, match, initial, marks in itertools.product(
        ("", "0", "x"), (None, "", "Exact", "NotOlderThan", "Nope"), ("", "true", "false"), ("", "true")
    ):
        refused = match is not None or initial or version == "x"
        if not refused:
            continue
        options = [f"resourceVersion={version}"] if version else []
        options += [f"resourceVersionMatch={match}"] if match is not None else []
        options += [f"sendInitialEvents={initial}"] if initial else []
        options += [f"allowWatchBookmarks={marks}"] if marks else []
        calls.append(_watch("&".join(options), path))
    return calls


CASES: dict[str, list[Call]] = {
    "label selectors": [
        Call("POST", MAPS, {"metadata": {"name": "a", "labels": {"x": "1", "y": "2"}}}),
        Call("POST", MAPS, {"metadata": {"name": "b", "labels": {"x": "", "in": "in", "x.y/z": "1"}}}),
        *(Call("GET", f"{MAPS}?labelSelector={each}") for each in _LABEL_SELECTORS),
        Call("GET", f"{MAPS}?labelSelector=x%3D{'a' * 64}"),
        Call("GET", f"{MAPS}?labelSelector={'a' * 64}%3D1"),
    ],
    "field selectors": [
        Call("POST", MAPS, config_map("a")),
        Call("POST", PODS, pod()),
        *(Call("GET", f"{MAPS}?fieldSelector={each}") for each in _FIELD_SELECTORS),
        *(Call("GET", f"{PODS}?fieldSelector={each}") for each in _POD_SELECTORS),
        Call("GET", f"{NS}/secrets?fieldSelector=type%3DOpaque"),
        Call("GET", f"{NS}/secrets?fieldSelector=data%3Dx"),
        Call("GET", f"{NS}/services?fieldSelector=spec.clusterIP%3DNone"),
        Call("GET", f"{NS}/services?fieldSelector=spec.nope%3DNone"),
        Call("GET", f"{NS}/events?fieldSelector=reason%3Dx,involvedObject.kind%3DPod"),
        Call("GET", f"{NS}/events?fieldSelector=nope%3Dx"),
        Call("GET", "/apis/events.k8s.io/v1/namespaces/{ns}/events?fieldSelector=regarding.name%3Dx"),
        Call("GET", "/apis/events.k8s.io/v1/namespaces/{ns}/events?fieldSelector=nope%3Dx"),
        Call("GET", f"{NS}/replicationcontrollers?fieldSelector=status.replicas%3D0"),
        Call("GET", f"{NS}/replicationcontrollers?fieldSelector=nope%3D0"),
        Call("GET", "/apis/apps/v1/namespaces/{ns}/replicasets?fieldSelector=status.replicas%3D0"),
        Call("GET", "/apis/apps/v1/namespaces/{ns}/replicasets?fieldSelector=nope%3D0"),
        Call("GET", "/apis/apps/v1/namespaces/{ns}/deployments?fieldSelector=nope%3D0"),
        Call("GET", f"{JOBS}?fieldSelector=status.successful%3D0"),
        Call("GET", "/apis/batch/v1/namespaces/{ns}/cronjobs?fieldSelector=nope%3D0"),
        Call("GET", "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue"),
        Call("GET", "/api/v1/nodes?fieldSelector=nope%3Dtrue"),
        Call("GET", "/api/v1/namespaces?fieldSelector=status.phase%3DNope"),
        Call("GET", "/api/v1/namespaces?fieldSelector=nope%3DNope"),
        Call("GET", f"{JOB_SETS}?fieldSelector=metadata.name%3Da"),
        Call("GET", f"{JOB_SETS}?fieldSelector=status.x%3Da"),
        Call("GET", f"{JOB_SETS}?fieldSelector=a"),
    ],
    "versions of lists": [Call("POST", MAPS, config_map("a")), *_matrix(MAPS)],
    "pages": [
        *(Call("POST", MAPS, config_map(name)) for name in ("a", "b", "c")),
        Call("GET", f"{MAPS}?limit=0"),
        Call("GET", f"{MAPS}?limit=-1"),
        Call("GET", f"{MAPS}?limit=3"),
        Call("GET", f"{MAPS}?limit=1.5"),
        Call("GET", f"{MAPS}?limit=99999999999999999999"),
        Call("GET", f"{MAPS}?limit="),
        Call("GET", f"{MAPS}?continue=a.b"),
        Call("GET", f"{MAPS}?continue={{}}"),
        Call("GET", f"{MAPS}?continue=bm90IGpzb24"),
        Call("GET", f"{MAPS}?continue=e30"),
        Call("GET", f"{MAPS}?continue={_OTHER}"),
        Call("GET", f"{MAPS}?continue={_UNVERSIONED}"),
        Call("GET", f"{MAPS}?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0"),
        Call("GET", f"{MAPS}?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6InAiLCJzdGFydCI6ImEifQ"),
        Call("GET", f"{MAPS}?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIvLi4vYiJ9"),
        Call("GET", f"{MAPS}?resourceVersion=99999999&resourceVersionMatch=NotOlderThan"),
        Call("GET", f"{MAPS}/a?resourceVersion=99999999"),
        Call("GET", f"{MAPS}/a?resourceVersion=x"),
        Call("GET", f"{MAPS}/a?resourceVersion=0"),
        Call("GET", f"{MAPS}?timeoutSeconds=x"),
        Call("GET", f"{MAPS}?timeoutSeconds=-1"),
        Call("GET", f"{MAPS}?sendInitialEvents=true"),
        Call("GET", f"{MAPS}?sendInitialEvents=maybe"),
        Call("GET", f"{MAPS}?allowWatchBookmarks=true"),
        Call("GET", f"{MAPS}?watch=false"),
        Call("GET", f"{MAPS}?watch=0"),
        Call("GET", f"{MAPS}?limit=1&limit=2&fieldSelector=metadata.name%3Db"),
        Call("GET", f"{MAPS}?nope=1"),
        Call("GET", f"{MAPS}/a?labelSelector=(("),
        Call("GET", f"{MAPS}/a?limit=x"),
        Call("GET", "/api/v1/configmaps?fieldSelector=metadata.namespace%3D{ns}"),
        Call("GET", "/api/v1/namespaces/nowhere/configmaps?limit=1"),
    ],
    "watches": [
        Call("POST", MAPS, config_map("a")),
        *_watch_matrix(MAPS),
        _watch(""),
        _watch("resourceVersion=0"),
        _watch("allowWatchBookmarks=true"),
        _watch("resourceVersion=-1"),
        _watch("resourceVersion=1"),
        _watch("resourceVersion=99999999"),
        _watch("labelSelector=(("),
        _watch("labelSelector=a"),
        _watch("fieldSelector=nope%3Da"),
        _watch("fieldSelector=metadata.name%3Da"),
        _watch("limit=1"),
        _watch("limit=x"),
        _watch("continue=abc"),
        Call("GET", f"{MAPS}?watch=true&timeoutSeconds=x"),
        Call("GET", f"{MAPS}?watch=&timeoutSeconds=1"),
        Call("GET", f"{MAPS}/a?watch=true&timeoutSeconds=1"),
        _watch("", "/api/v1/namespaces/nowhere/configmaps"),
        _watch("resourceVersion=x", f"{MAPS}/a"),
        _watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", JOB_SETS),
    ],
}
