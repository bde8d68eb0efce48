from kubelab.client import DAEMON_SETS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.revisions import HASH_LABEL, beyond_limit, history_of, template_of
from tests.unit.engine.controllers.objects import START, uid
from tests.unit.engine.controllers.workloads import use_image, workload


def _stored(revision: Object) -> Object:
    revision["metadata"] |= {"uid": uid(), "creationTimestamp": rfc3339(START)}
    return revision


def _with_images(*images: str) -> tuple[Object, list[Object]]:
    owner, revisions = workload("DaemonSet"), list[Object]()
    for image in images:
        use_image(owner, image)
        history = history_of(owner, DAEMON_SETS, revisions)
        if history.create is not None:
            revisions.append(_stored(history.create))
    return owner, revisions


def test_each_template_is_a_revision_with_the_next_number() -> None:
    _, revisions = _with_images("one", "two", "three")
    assert [each["revision"] for each in revisions] == [1, 2, 3]
    assert len({each["metadata"]["labels"][HASH_LABEL] for each in revisions}) == 3
    assert revisions[0]["data"]["spec"]["template"]["$patch"] == "replace"
    assert template_of(revisions[1])["spec"]["containers"][0]["image"] == "two"


def test_a_template_that_comes_back_is_renumbered() -> None:
    owner, revisions = _with_images("one", "two")
    use_image(owner, "one")
    history = history_of(owner, DAEMON_SETS, revisions)
    assert history.current is revisions[0]
    assert (history.create, history.renumber) == (None, 3)


def test_the_oldest_unused_revisions_go_beyond_the_limit() -> None:
    owner, revisions = _with_images("one", "two", "three", "four")
    owner["spec"]["revisionHistoryLimit"] = 1
    history = history_of(owner, DAEMON_SETS, revisions)
    live = revisions[0]["metadata"]["labels"][HASH_LABEL]
    (gone,) = beyond_limit(owner, history.old, [live])
    assert gone is revisions[1]
