"""A tour with real kubectl on a whole lab cluster: exec, cp, attach, port-forward, debug."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from kubelab.client import Object
from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import shell_pod

pytestmark = pytest.mark.slow


@pytest.fixture
def kubectl(in_cluster: Kubectl) -> Iterator[Kubectl]:
    """Real kubectl, in a new namespace of the lab cluster."""
    yield in_cluster
    in_cluster("delete", "namespace", in_cluster.namespace, "--wait=false")


def run(kubectl: Kubectl, pod: Object) -> str:
    """Create a pod, wait until it runs, and return its name."""
    name: str = pod["metadata"]["name"]
    kubectl("create", "-f", "-", stdin=pod)
    kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
    return name


@pytest.fixture
def sleeper(kubectl: Kubectl) -> str:
    """A pod that does nothing."""
    return run(kubectl, shell_pod("sleeper", "exec sleep 1000"))


def terminal(kubectl: Kubectl, *args: str) -> pexpect.spawn[str]:
    """Start kubectl on a terminal of 97 columns and 31 rows."""
    command, *rest = kubectl.command(*args)
    return pexpect.spawn(command, rest, env=kubectl.env(), timeout=60, dimensions=(31, 97), encoding="utf-8")


def ended(child: pexpect.spawn[str]) -> int | None:
    """Wait for the end and return the exit code."""
    child.expect(pexpect.EOF)
    child.close()
    code: int | None = child.exitstatus
    return code


def test_exec_has_the_containers_view_streams_and_exit_code(kubectl: Kubectl, sleeper: str) -> None:
    done = kubectl.run("exec", sleeper, "--", "sh", "-c", "hostname; pwd; echo problem >&2; exit 3")
    assert done.returncode == 3
    assert done.stdout.splitlines()[0] == sleeper
    assert done.stderr.splitlines() == ["problem", "command terminated with exit code 3"]
    kubectl("exec", sleeper, "--", "sh", "-c", "echo kept > here; echo mine > /tmp/own")
    assert kubectl("exec", sleeper, "--", "cat", "here", "/tmp/own") == "kept\nmine\n"
    with_env = shell_pod("env", "exec sleep 1000")
    with_env["spec"]["containers"][0]["env"] = [{"name": "COLOUR", "value": "green"}]
    assert kubectl("exec", run(kubectl, with_env), "--", "sh", "-c", "echo $COLOUR") == "green\n"


def test_exec_passes_input_to_its_end(kubectl: Kubectl, sleeper: str) -> None:
    text = "".join(f"line {number}\n" for number in range(50_000))
    assert kubectl("exec", "-i", sleeper, "--", "cat", stdin=text) == text


def test_exec_ends_with_its_command_although_that_left_something_running(
    kubectl: Kubectl, sleeper: str
) -> None:
    assert kubectl("exec", sleeper, "--", "sh", "-c", "sleep 1000 & echo started") == "started\n"


def test_exec_says_why_it_cannot(kubectl: Kubectl, sleeper: str) -> None:
    missing = 'exec: "nonesuch": executable file not found in $PATH'
    assert missing in kubectl.fails("exec", sleeper, "--", "nonesuch")
    assert "container other is not valid for pod" in kubectl.fails(
        "exec", sleeper, "-c", "other", "--", "true"
    )
    assert 'pods "nobody" not found' in kubectl.fails("exec", "nobody", "--", "true")
    greedy = shell_pod("greedy", "true", nodeSelector={"no": "such-node"})
    kubectl("create", "-f", "-", stdin=greedy)
    assert "pod greedy does not have a host assigned" in kubectl.fails("exec", "greedy", "--", "true")


def test_exec_on_a_terminal(kubectl: Kubectl, sleeper: str) -> None:
    child = terminal(kubectl, "exec", "-it", sleeper, "--", "sh")
    child.sendline("stty size; echo term=$TERM; tty")
    child.expect("31 97")
    child.expect("term=xterm")
    child.expect("/dev/pts/")
    child.setwinsize(20, 50)
    child.sendline("until [ \"$(stty size)\" = '20 50' ]; do sleep 0.1; done; echo re''sized")
    child.expect("resized")
    child.sendline("sh -c \"echo a''sleep; exec sleep 1000\"")  # a shell may miss the key while it forks
    child.expect("asleep")
    child.sendintr()
    child.sendline("exit 4")
    assert ended(child) == 4


def test_a_client_that_is_killed_takes_its_command_along(kubectl: Kubectl, sleeper: str) -> None:
    script = "sleep 999 & echo $$ > leader; echo $! > child; echo ready; wait"
    client = kubectl.start("exec", sleeper, "--", "sh", "-c", script)
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n"
    client.kill()
    client.wait()
    alive = 'alive() { grep -q "^State:.[^Z]" /proc/$(cat $1)/status 2>/dev/null; }'
    kubectl(
        "exec", sleeper, "--", "sh", "-c", f"{alive}; while alive leader || alive child; do sleep 0.1; done"
    )


def test_cp_both_ways(kubectl: Kubectl, sleeper: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "numbers").write_bytes(os.urandom(3_000_000))
    (source / "below" / "note").write_text("hello\n")
    kubectl("cp", str(source), f"{sleeper}:/tmp/copy")
    assert kubectl("exec", sleeper, "--", "cat", "/tmp/copy/below/note") == "hello\n"
    kubectl("cp", f"{sleeper}:/tmp/copy", str(tmp_path / "back"))
    assert (tmp_path / "back" / "numbers").read_bytes() == (source / "numbers").read_bytes()


def test_port_forward_fetches_from_a_pod(kubectl: Kubectl) -> None:
    script = "echo forwarded > page; echo ready; exec python3 -u -m http.server 8000"
    pod = shell_pod("web", script)
    pod["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
    name = run(kubectl, pod)
    kubectl("expose", "pod", name, "--port=80", "--target-port=8000")
    for resource, port in ((f"pod/{name}", 8000), (f"service/{name}", 80)):
        with forwarding(kubectl, resource, port) as local:
            for _ in range(3):
                with urllib.request.urlopen(f"http://127.0.0.1:{local}/page", timeout=60) as answer:
                    assert answer.read() == b"forwarded\n"


class forwarding:  # noqa: N801 - a context manager reads like a verb
    """``kubectl port-forward`` in the background; gives the local port."""

    def __init__(self, kubectl: Kubectl, resource: str, port: int) -> None:
        self._process = kubectl.start("port-forward", resource, f":{port}", "--address=127.0.0.1")

    def __enter__(self) -> int:
        return int(self.line(r"Forwarding from 127\.0\.0\.1:(\d+)"))

    def line(self, pattern: str) -> str:
        """Read on to a line and return what its group holds."""
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if match := re.search(pattern, line):
                return match.group(1)
        pytest.fail(f"port-forward ended: {said}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=60)


def test_port_forward_tells_that_nothing_listens(kubectl: Kubectl, sleeper: str) -> None:
    forward = forwarding(kubectl, f"pod/{sleeper}", 9)
    with forward as local, pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=60)
    with forwarding(kubectl, f"pod/{sleeper}", 9) as _:
        pass
    again = forwarding(kubectl, f"pod/{sleeper}", 9)
    with again as local:
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=60)
        assert again.line("(connection refused)")


def test_attach_sees_output_and_gives_input(kubectl: Kubectl) -> None:
    pod = shell_pod("reader", "echo begun; while read line; do echo got $line; done; echo end of input")
    pod["spec"]["containers"][0] |= {"stdin": True, "stdinOnce": True}
    name = run(kubectl, pod)
    said = kubectl("attach", "-i", name, stdin="one\ntwo\n")
    assert said.splitlines()[-3:] == ["got one", "got two", "end of input"]
    kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl("logs", name).splitlines() == ["begun", "got one", "got two", "end of input"]


def test_attach_without_input_follows_the_output(kubectl: Kubectl) -> None:
    name = run(kubectl, shell_pod("ticks", "until [ -e go ]; do sleep 0.1; done; echo gone"))
    attached = kubectl.start("attach", name)
    kubectl("exec", name, "--", "sh", "-c", "until [ -e go ]; do touch go; done")
    said, _ = attached.communicate(timeout=60)
    assert "gone" in said or "falling back to streaming logs" in said


def test_run_on_a_terminal_and_remove(kubectl: Kubectl) -> None:
    child = terminal(kubectl, "run", "-it", "--rm", "one", "--image=busybox", "--restart=Never", "--", "sh")
    child.expect("try pressing enter")
    child.sendline("echo $((6*7)); stty size")
    child.expect("42")
    child.expect("31 97")
    child.sendline("exit 5")
    child.expect('pod "one" deleted')
    assert ended(child) == 5
    assert "not found" in kubectl.fails("get", "pod", "one")


def test_debug_refuses_to_join_a_pod_and_can_copy_it(kubectl: Kubectl, sleeper: str) -> None:
    refused = kubectl.fails("debug", sleeper, "--image=busybox", "--", "true")
    assert "ephemeral containers cannot join a pod" in refused
    assert "--copy-to" in refused
    kubectl(
        "debug",
        sleeper,
        "--copy-to=copy",
        "--container=main",
        "--",
        "sh",
        "-c",
        "echo from the copy; sleep 1000",
    )
    kubectl("wait", "pod/copy", "--for=condition=Ready", "--timeout=60s")
    assert kubectl("logs", "copy", "-c", "main") == "from the copy\n"


def test_debug_of_a_node_is_a_pod_with_its_files(kubectl: Kubectl) -> None:
    (node,) = kubectl.table("get", "nodes")
    said = kubectl("debug", f"node/{node['NAME']}", "--image=busybox", "--", "ls", "/host/etc/hosts")
    name = re.search(r"node-debugger-\S+", said)
    assert name is not None
    kubectl("wait", f"pod/{name.group()}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl("logs", name.group()) == "/host/etc/hosts\n"


def test_the_kubeconfig_needs_no_certificate_of_its_user(kubectl: Kubectl) -> None:
    config: dict[str, Any] = kubectl.json("config", "view", "--raw")
    (user,) = config["users"]
    assert set(user["user"]) == {"token"}
    context = kubectl("config", "current-context").strip()
    copy = kubectl.home / "copy"
    copy.write_text(kubectl("config", "view", "--raw", "--flatten", "--minify", f"--context={context}"))
    moved = subprocess.run(
        [*kubectl.command("auth", "whoami")],
        env=kubectl.env(KUBECONFIG=str(copy)),
        capture_output=True,
        check=False,
    )
    assert moved.returncode == 0, moved.stderr
