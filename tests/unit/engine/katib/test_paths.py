import pytest

from kubelab.engine.katib.paths import MISSING, PathError, find, match

COMPLETE = 'status.conditions.#(type=="Complete")#|#(status=="True")#'
JOB = {
    "spec": {"a.b": 1},
    "status": {
        "succeeded": 1,
        "ratio": 0.5,
        "ready": False,
        "nothing": None,
        "conditions": [
            {"type": "Suspended", "status": "False"},
            {"type": "Complete", "status": "True", "reason": "CompletionsReached", "message": "done"},
        ],
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("status.succeeded", 1),
        ("status|succeeded", 1),
        (r"spec.a\.b", 1),
        ("status.conditions.0.type", "Suspended"),
        ("status.conditions.7", MISSING),
        ("status.conditions.#", 2),
        ("status.conditions.#.type", ["Suspended", "Complete"]),
        ('status.conditions.#(type=="Complete").status', "True"),
        ('status.conditions.#(type=="Complete")#.status', ["True"]),
        ('status.conditions.#(type!="Complete")#.type', ["Suspended"]),
        ('status.conditions.#(type=="None")', MISSING),
        ('status.conditions.#(type=="None")#', []),
        ("status.succeeded.more", MISSING),
        ("nowhere.at.all", MISSING),
        ("status.@this.succeeded", 1),
        ("status.succeeded|@this", 1),
    ],
)
def test_paths_find_what_gjson_finds(path: str, found: object) -> None:
    assert find(JOB, path) == found


def test_default_condition_of_a_job_holds_once_it_is_true() -> None:
    assert match(JOB, COMPLETE) == JOB["status"]["conditions"][1]  # type: ignore[index]
    running = {"status": {"conditions": [{"type": "Complete", "status": "False"}]}}
    assert match(running, COMPLETE) is None
    assert match({}, COMPLETE) is None


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("succeeded==1", True),
        ("succeeded==2", False),
        ("succeeded>=1", True),
        ("succeeded<1", False),
        ("ratio>0.4", True),
        ("ratio==0.5", True),
        ("ready==false", True),
        ("ready==true", False),
        ("nothing==null", True),
        ("succeeded!=2", True),
        ("absent==1", False),
        ("absent!=1", False),
    ],
)
def test_numbers_and_truths_are_compared_through_a_list_of_itself(query: str, holds: bool) -> None:
    assert (match(JOB, f"status.[@this].#({query})") is not None) is holds


def test_elements_that_are_no_objects_are_compared_themselves() -> None:
    assert find({"phases": ["Running", "Done"]}, 'phases.#(=="Done")') == "Done"
    assert match({"phases": ["Running", "Done"]}, 'phases.#(=="Done")#') == {}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "status.*",
        'status.#(type%"C*")',
        "status.@reverse",
        "status.{succeeded}",
        'status.#(a.#(b=="c"))',
        'status.conditions.#(type=="Complete"',
        "status..succeeded",
        "!true",
    ],
)
def test_what_is_not_known_is_refused_by_name(path: str) -> None:
    with pytest.raises(PathError, match=r"Known are fields with dots and pipes") as error:
        find(JOB, path)
    assert error.value.path == path
