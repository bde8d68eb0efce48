"""Nothing that a pod writes, names or plants leads out of its own directories."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubelab.client import CONFIG_MAPS, PODS, SECRETS, Object
from kubelab.engine.nodes import fenced_paths
from kubelab.engine.nodes.environment import ConfigurationError
from kubelab.engine.nodes.fenced_paths import EscapeError
from kubelab.engine.nodes.volumes import File, write_atomically
from kubelab.errors import ApiError

from .conftest import Lab, state_of

_EMPTY = {"name": "data", "emptyDir": {}}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume"
    path.mkdir()
    (tmp_path / "outside").mkdir()
    return path


@pytest.mark.parametrize(
    "link", ["/", "../outside", "..", "inner/../../outside", "/proc/self/root", "../outside/not-there"]
)
def test_a_link_out_of_the_volume_is_refused_and_makes_nothing(volume: Path, link: str) -> None:
    (volume / "x").symlink_to(link)
    with pytest.raises(EscapeError, match="leads out of"), fenced_paths.opened(str(volume), "x/made"):
        pass
    assert not list((volume.parent / "outside").iterdir())


def test_a_link_within_the_volume_is_followed(volume: Path) -> None:
    (volume / "real").mkdir()
    (volume / "real/file").write_text("here")
    (volume / "link").symlink_to("real")
    with fenced_paths.opened(str(volume), "link/file") as path:
        assert Path(path).read_text() == "here"


def test_a_link_planted_while_the_path_is_walked_is_not_followed(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (volume / "x").mkdir()
    resolve = os.path.realpath

    def plant(path: str) -> str:
        found = resolve(path)
        if path.endswith("x/made"):
            (volume / "x").rmdir()
            (volume / "x").symlink_to("../outside")
        return found

    monkeypatch.setattr(os.path, "realpath", plant)
    with pytest.raises(EscapeError), fenced_paths.opened(str(volume), "x/made"):
        pass
    assert not list((volume.parent / "outside").iterdir())


def test_what_is_missing_is_made_with_the_volumes_mode(volume: Path) -> None:
    volume.chmod(0o777)
    with fenced_paths.opened(str(volume), "a/b") as path:
        assert Path(path).stat().st_mode & 0o777 == 0o777
    with fenced_paths.opened(str(volume), "a/file", file=True):
        assert (volume / "a/file").is_file()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "..data/x", "..", ""])
def test_a_projected_file_stays_in_its_volume(volume: Path, path: str) -> None:
    with pytest.raises(ConfigurationError, match="invalid path"):
        write_atomically(volume, [File(path, b"1", 0o644)])
    assert not (volume.parent / "x").exists()


def _planted(link: str, mount: Object) -> Object:
    """A pod whose init container plants a link that its main container's mount goes through."""
    plant = {
        "name": "plant",
        "image": "busybox",
        "command": ["ln", "-s", link, "/data-test/x"],
        "volumeMounts": [{"name": "data", "mountPath": "/data-test"}],
    }
    spec = {"initContainers": [plant], "volumes": [_EMPTY, {"name": "other", "emptyDir": {}}]}
    return {"spec": spec, "volumeMounts": [{"name": "data", **mount}]}


@pytest.mark.parametrize("inner", ["x", "x/made"])
async def test_a_planted_link_is_no_sub_path(lab: Lab, tmp_path: Path, inner: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    mount = {"mountPath": "/stolen-test", "subPath": inner}
    await lab.create("thief", "ls", "/stolen-test", **_planted(str(outside), mount))
    ended = state_of(await lab.ended("thief"))["terminated"]
    assert ended["reason"] == "StartError"
    assert "leads out of" in ended["message"]
    assert [path.name for path in outside.iterdir()] == ["secret"]


async def test_a_planted_link_within_the_volume_is_a_sub_path(lab: Lab) -> None:
    mount = {"mountPath": "/found-test", "subPath": "x"}
    pod = _planted(".", mount)
    _, lines = await lab.run("finder", "sh", "-c", "ls /found-test", **pod)
    assert lines == ["x"]


async def test_a_mount_below_a_planted_link_makes_nothing_outside(lab: Lab, tmp_path: Path) -> None:
    if not lab.isolation.namespaces:
        pytest.skip("nothing is mounted without namespaces")
    outside = tmp_path / "outside"
    outside.mkdir()
    pod = _planted(str(outside), {"mountPath": "/data-test"})
    pod["volumeMounts"].append({"name": "other", "mountPath": "/data-test/x/made"})
    await lab.create("below", "true", **pod)
    assert state_of(await lab.ended("below"))["terminated"]["reason"] == "StartError"
    assert not list(outside.iterdir())


async def test_sub_paths_are_made_also_from_expressions(lab: Lab) -> None:
    _, lines = await lab.run(
        "expressed",
        "sh",
        "-c",
        "echo kept > /own-test/f; cat /all-test/*/f",
        env=[{"name": "WHO", "value": "me"}],
        volumeMounts=[
            {"name": "data", "mountPath": "/own-test", "subPathExpr": "$(WHO)"},
            {"name": "data", "mountPath": "/all-test"},
        ],
        spec={"volumes": [_EMPTY]},
    )
    assert lines == ["kept"]


async def test_a_variable_brings_no_dots_into_a_sub_path(one_lab: Lab) -> None:
    await one_lab.create(
        "dots",
        "true",
        env=[{"name": "WHERE", "value": "../.."}],
        volumeMounts=[{"name": "data", "mountPath": "/data-test", "subPathExpr": "$(WHERE)"}],
        spec={"volumes": [_EMPTY]},
    )
    pod = await one_lab.when("dots", lambda pod: "CreateContainerConfigError" in str(pod["status"]))
    assert "must be a relative path" in state_of(pod)["waiting"]["message"]


def _was_restarted(pod: Object) -> bool:
    return any(each["restartCount"] for each in pod["status"].get("containerStatuses") or ())


@pytest.mark.parametrize("replace", ["ln -s {0}", "mkfifo"])
async def test_a_termination_message_is_read_from_a_file_only(lab: Lab, tmp_path: Path, replace: str) -> None:
    if lab.isolation.namespaces:
        pytest.skip("the message is a mount point there, which cannot be replaced")
    outside = tmp_path / "outside"
    outside.write_text("secret")
    script = f"rm /dev/termination-log; {replace.format(outside)} /dev/termination-log; exit 3"
    await lab.create("liar", "sh", "-c", script, spec={"restartPolicy": "OnFailure"})
    pod = await lab.when("liar", _was_restarted)
    ended = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (ended["exitCode"], ended.get("message", "")) == (3, "")
    assert outside.read_text() == "secret", "emptied for the next run"


async def test_a_long_termination_message_is_cut(one_lab: Lab) -> None:
    pod, _ = await one_lab.run(
        "long", "sh", "-c", "head -c 9000 /dev/zero | tr '\\0' x > /dev/termination-log"
    )
    assert len(state_of(pod)["terminated"]["message"]) == 4096


async def test_a_termination_message_path_with_dots_stays_in_the_container(one_lab: Lab) -> None:
    if not one_lab.isolation.namespaces:
        pytest.skip("nothing is mounted without namespaces")
    pod, _ = await one_lab.run(
        "dotted", "sh", "-c", "echo -n said > /message-test", terminationMessagePath="../../../message-test"
    )
    assert state_of(pod)["terminated"]["message"] == "said"
    assert not Path("/message-test").exists()  # noqa: ASYNC240 - one stat


_BAD_NAMES = ["../x", "a/b", "..", "/x", ""]


@pytest.mark.parametrize("name", _BAD_NAMES)
async def test_names_that_are_paths_are_refused(one_lab: Lab, name: str) -> None:
    container = {"name": "main", "image": "busybox"}
    for spec in (
        {"containers": [{**container, "name": name}]},
        {"volumes": [{"name": name, "emptyDir": {}}]},
        {"initContainers": [{**container, "name": name}]},
    ):
        with pytest.raises(ApiError) as refused:
            await one_lab.create("named", "true", spec=spec)
        assert refused.value.code == 422
    await one_lab.create("plain", "true")
    await one_lab.ended("plain")
    with pytest.raises(ApiError) as refused:
        _ = [line async for line in one_lab.client.logs("plain", "default", container=name or "no")]
    assert refused.value.code == 400


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "..", "..data"])
async def test_item_paths_and_sub_paths_that_lead_out_are_refused(one_lab: Lab, path: str) -> None:
    items = [{"key": "k", "path": path}]
    downward = [{"path": path, "fieldRef": {"fieldPath": "metadata.name"}}]
    token = {"path": path, "expirationSeconds": 600}
    for source in (
        {"configMap": {"name": "m", "items": items}},
        {"secret": {"secretName": "m", "items": items}},
        {"downwardAPI": {"items": downward}},
        {"projected": {"sources": [{"secret": {"name": "m", "items": items}}]}},
        {"projected": {"sources": [{"downwardAPI": {"items": downward}}]}},
        {"projected": {"sources": [{"serviceAccountToken": token}]}},
    ):
        with pytest.raises(ApiError) as refused:
            await one_lab.create("named", "true", spec={"volumes": [{"name": "v", **source}]})
        assert refused.value.code == 422, source
    if path == "..data":  # below a sub-path it is a name like any other
        return
    mount = {"name": "data", "mountPath": "/data-test", "subPath": path}
    with pytest.raises(ApiError) as refused:
        await one_lab.create("named", "true", volumeMounts=[mount], spec={"volumes": [_EMPTY]})
    assert refused.value.code == 422


@pytest.mark.parametrize("key", ["../x", "a/b", "..", "..x", "/x"])
async def test_keys_that_are_paths_are_refused(one_lab: Lab, key: str) -> None:
    for resource, data in ((CONFIG_MAPS, "data"), (CONFIG_MAPS, "binaryData"), (SECRETS, "data")):
        body = {"metadata": {"name": "m", "namespace": "default"}, data: {key: "eA=="}}
        with pytest.raises(ApiError) as refused:
            await one_lab.client.create(resource, body)
        assert refused.value.code == 422


async def test_a_uid_of_the_clients_making_names_no_directory(one_lab: Lab) -> None:
    body = {
        "metadata": {"name": "own", "namespace": "default", "uid": "../../own"},
        "spec": {"containers": [{"name": "main", "image": "busybox"}]},
    }
    created = await one_lab.client.create(PODS, body)
    assert "/" not in created["metadata"]["uid"]


async def test_host_paths_are_what_they_are_on_a_node_of_processes(one_lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("the machine's own")
    _, lines = await one_lab.run(
        "hosted",
        "cat",
        "/host-test/file",
        volumeMounts=[{"name": "host", "mountPath": "/host-test"}],
        spec={"volumes": [{"name": "host", "hostPath": {"path": str(tmp_path)}}]},
    )
    assert lines == ["the machine's own"]
