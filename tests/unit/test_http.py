from pathlib import Path

import pytest
import yaml

from kubelab import portal
from kubelab.client import NODES, Client, refusal
from kubelab.errors import ConnectionFailedError
from kubelab.http import HttpTransport, Kubeconfig, KubeconfigError


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    (tmp_path / "token").write_text("from-file\n")
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "one",
                "contexts": [
                    {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}},
                    {"name": "two", "context": {"cluster": "c", "user": "file"}},
                    {"name": "plug", "context": {"cluster": "c", "user": "plug"}},
                    {"name": "lost", "context": {"cluster": "gone", "user": "u"}},
                ],
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9/"}}],
                "users": [
                    {"name": "u", "user": {"token": "secret"}},
                    {"name": "file", "user": {"tokenFile": "token"}},
                    {"name": "plug", "user": {"exec": {"command": "aws"}}},
                ],
            }
        )
    )
    return path


def test_the_current_context_is_read(kubeconfig: Path) -> None:
    config = Kubeconfig.load(kubeconfig)
    assert (config.server, config.namespace, config.token) == ("http://127.0.0.1:9", "team-a", "secret")


def test_a_token_file_is_found_beside_the_kubeconfig(kubeconfig: Path) -> None:
    assert Kubeconfig.load(kubeconfig, "two").token == "from-file"


@pytest.mark.parametrize(
    ("context", "message"),
    [("nowhere", "It has: lost, one, plug, two"), ("lost", "no cluster named 'gone'"), ("plug", "plug-in")],
)
def test_what_a_kubeconfig_lacks_is_named(kubeconfig: Path, context: str, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message):
        Kubeconfig.load(kubeconfig, context)


def test_a_missing_kubeconfig_says_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="kubelab up"):
        Kubeconfig.load(tmp_path / "none")


def test_a_server_that_is_away_is_named(kubeconfig: Path) -> None:
    client = Client(HttpTransport(Kubeconfig.load(kubeconfig)))
    with pytest.raises(ConnectionFailedError, match=r"http://127\.0\.0\.1:9.*kubelab up"):
        portal.run(client.get(NODES, "any"))
    portal.run(client.close())


def test_tokens_and_keys_are_not_shown(kubeconfig: Path) -> None:
    assert "secret" not in repr(Kubeconfig.load(kubeconfig))


def test_an_answer_that_is_no_status_is_an_error_all_the_same() -> None:
    error = refusal(502, b"<html>Bad Gateway")
    assert (error.code, str(error)) == (502, "HTTP 502: <html>Bad Gateway")
