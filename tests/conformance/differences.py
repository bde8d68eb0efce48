"""Where the embedded engine is allowed to differ from the real API server, each with its reason.

kubelab/engine/README.md lists the same. What is named here must really differ, or the suite fails.
"""

from __future__ import annotations

_GO = "upstream's words are those of a Go parser or show the Go form of an object"
_PATHS = "an unknown path answers with a Status, which every client can read, not with a bare 404"
_BETA = "tables of meta.k8s.io/v1beta1 are not served"
_ORDER = "the same problems are named, in another order or with one of them alone"
_PATCH = "a patch that gives no valid object is refused as the object would be (400), not as a patch (422)"
_WHY = "a JSON patch that does not apply says why in its causes; upstream leaves the reason out"
_EMPTY_LOG = "the log of a pod without a node is an empty 200"
_OVERHEAD = "there is no RuntimeClass admission"
_JOB_STATUS = "a Job's status is written by our controller and not checked"
_EXISTS = "an existing name is noticed before the object is checked"
_CEL_TYPES = "CEL rules are parsed when a definition is created, and not checked for types or cost"
_TYPED = "an apply of a value of a wrong type is refused as any body would be (400 or 422), not with 500"
_MANAGERS = "managedFields start with the first server-side apply"
_SCALES = "a Scale is not applied"
_ESTABLISHED = "a definition is established by its creation, and its objects go as soon as it is deleted"
_NUMBER = "a number that is no integer is named once"
_CUSTOM_SCALE = "replicas of a custom object are judged by the Scale or by its schema, not by both"
_PROTECTION = "volumes and claims get no protecting finalizers, and no time of their phase"
_REFUSED_LOG = "a log is refused in JSON, whatever the client can read"
_FUTURE = "a watch from a version that was never reached is refused, so that its client lists again"

DIFFERENCES: dict[str, str] = {
    "test_a_json_patch_whose_test_fails_says_which": _WHY,
    "test_get_watches": "deleting a pod that no node has is one event, not a change and then the end",
}
"""Tests of the kubectl tour that fail on the real API server."""

ANSWERS: dict[str, dict[int, str]] = {
    "verbs": dict.fromkeys((16, 18), _PATHS),
    "pods": {
        **dict.fromkeys((11, 22, 30, 33), _ORDER),
        32: _OVERHEAD,
        **dict.fromkeys((34, 36, 37), _GO),
        46: _EMPTY_LOG,
    },
    "selectors": {31: _GO},
    "pages": {11: _GO},
    "accepted forms": {17: _BETA, 42: _BETA},
    "yaml": {2: _GO},
    "watches": {92: _FUTURE},
    "patches": {
        **dict.fromkeys((3, 4, 12, 13, 35), _PATCH),
        **dict.fromkeys((20, 21, 24, 25, 26), _WHY),
    },
    "apply": {12: _GO},
    "apply lists": {12: _ORDER, 14: _TYPED, 15: _ORDER},
    "apply owners": {4: _MANAGERS, 36: _GO, **dict.fromkeys((34, 40, 41), _TYPED)},
    "apply status": dict.fromkeys((5, 6), _SCALES),
    "apply custom": {0: _ESTABLISHED, 17: _TYPED, 28: _ESTABLISHED},
    "pod logs": dict.fromkeys((30, 31), _REFUSED_LOG),
    "scale of deployments": {17: _PATCH},
    "scale of sets": dict.fromkeys((17, 41, 65), _PATCH),
    "status of others": {
        6: "a Service is not created by an update of its status",
        **dict.fromkeys((18, 19), _PROTECTION),
        **dict.fromkeys(range(27, 33), _PROTECTION),
        35: _PROTECTION,
    },
    "custom values": {0: _ESTABLISHED, 8: _NUMBER, 55: _ESTABLISHED},
    "custom rules": {0: _ESTABLISHED, 12: _ESTABLISHED},
    "custom columns": {0: _ESTABLISHED, 7: _ESTABLISHED},
    "custom subresources": {0: _ESTABLISHED, 6: _CUSTOM_SCALE, 12: _CUSTOM_SCALE, 17: _ESTABLISHED},
    "custom versions": {0: _ESTABLISHED, 8: _PATHS, 10: _ESTABLISHED},
    "custom definitions": {**dict.fromkeys((0, 13), _ESTABLISHED), **dict.fromkeys((5, 11, 14), _GO)},
    "jobs": {
        **dict.fromkeys((6, 7), _ORDER),
        **dict.fromkeys((10, 18), _GO),
        13: _EXISTS,
        **dict.fromkeys((19, 20, 21), _JOB_STATUS),
    },
    "definitions": {**dict.fromkeys((4, 5, 6, 7), _GO), 8: _CEL_TYPES},
    "services": {6: _ORDER},
}
"""Calls of `cases.CASES`, by case and number, that are answered otherwise."""
