import subprocess
import sys
from pathlib import Path
from typing import Any

from kubelab.engine.katib.collectors import SIDECAR, Source, add_sidecar, file_of, source_of


def spec(kind: str, **source: Any) -> dict[str, Any]:
    return {
        "primaryContainerName": "main",
        "metricsCollector": {"collector": {"kind": kind}, "source": source},
    }


FILE = {"path": "/metrics/m.log", "kind": "File", "format": "JSON"}


def test_stdout_is_read_from_the_primary_container() -> None:
    assert source_of(spec("StdOut", filter={"metricsFormat": ["(a) (b)"]})) == Source(
        "main", "TEXT", ("(a) (b)",)
    )
    assert source_of({"primaryContainerName": "main"}) == Source("main")


def test_files_are_read_from_the_sidecar_that_katib_names() -> None:
    assert source_of(spec("File", fileSystemPath=FILE)) == Source("metrics-logger-and-collector", "JSON")
    assert file_of(spec("File", fileSystemPath=FILE)) == "/metrics/m.log"
    assert file_of(spec("StdOut")) == ""


def test_nothing_is_read_where_others_push() -> None:
    assert source_of(spec("Push")) is None
    assert source_of(spec("None")) is None


def test_sidecar_shares_the_folder_of_the_file_with_every_container() -> None:
    pod: dict[str, Any] = {"containers": [{"name": "main", "image": "jax"}, {"name": "other"}]}
    add_sidecar(pod, "/metrics/m.log")
    mount = {"name": "metrics-volume", "mountPath": "/metrics"}
    assert [each["volumeMounts"] for each in pod["containers"]] == [[mount], [mount]]
    (sidecar,) = pod["initContainers"]
    assert (sidecar["name"], sidecar["restartPolicy"]) == (SIDECAR, "Always")
    assert sidecar["volumeMounts"] == [mount]
    assert sidecar["command"][-1] == "/metrics/m.log"
    assert pod["volumes"] == [{"name": "metrics-volume", "emptyDir": {}}]


def test_sidecar_uses_the_volume_that_a_container_has_there() -> None:
    mount = {"name": "own", "mountPath": "/metrics"}
    pod: dict[str, Any] = {"containers": [{"name": "main", "volumeMounts": [mount]}]}
    add_sidecar(pod, "/metrics/m.log")
    assert pod["initContainers"][0]["volumeMounts"] == [mount]
    assert "volumes" not in pod


def test_sidecar_repeats_whole_lines_and_the_rest_when_it_is_told_to_end(tmp_path: Path) -> None:
    path = tmp_path / "m.log"
    pod: dict[str, Any] = {"containers": [{"name": "main"}]}
    add_sidecar(pod, str(path))
    command = [sys.executable, *pod["initContainers"][0]["command"][1:]]
    sidecar = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert sidecar.stdout is not None
    with path.open("w") as file:
        file.write("loss=0.5\nloss=0.")
        file.flush()
        assert sidecar.stdout.readline() == "loss=0.5\n"
        file.write("25\nloss=0.125")
    assert sidecar.stdout.readline() == "loss=0.25\n"
    sidecar.terminate()
    assert sidecar.stdout.read() == "loss=0.125"
    assert sidecar.wait(20) == 0
