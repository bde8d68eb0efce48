import io

from rich.console import Console

from kubelab.engine.board import table
from kubelab.engine.overview import Overview, requests_for_objects


def drawn(*clusters: Overview) -> list[str]:
    console = Console(file=io.StringIO(), width=120)
    console.print(table(clusters))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_cluster_is_one_row() -> None:
    pods = {"Failed": 1, "Pending": 2, "Running": 30}
    (row,) = [
        line
        for line in drawn(Overview("one", "embedded", "Running", 2, 3, pods, 1234.5, 70))
        if "one" in line
    ]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "one",
        "embedded",
        "Running",
        "2 of 3",
        "2 Pending  30 Running  1 Failed",
        "1,234.5",
        "70 MB",
    ]


def test_what_is_not_known_is_a_dash() -> None:
    (row,) = [
        line
        for line in drawn(Overview("one", "embedded", "Stopped", None, None, {}, None, None))
        if "one" in line
    ]
    assert [cell.strip() for cell in row.split("│")[4:-1]] == ["-", "-", "-", "-"]


def test_without_a_cluster_it_says_how_to_start_one() -> None:
    assert "`kubelab up` starts one" in " ".join(drawn())


def test_requests_are_those_for_objects_and_their_subresources() -> None:
    name = "apiserver_request_total"
    text = f"""# TYPE {name} counter
{name}{{code="200",resource="pods",subresource=""}} 2
{name}{{code="201",resource="pods",subresource="binding"}} 1e1
{name}{{code="200",resource="",subresource="/healthz"}} 100
{name}{{code="200",resource="",subresource=""}} 100
apiserver_watch_events_total{{resource="pods"}} 100
"""
    assert requests_for_objects(text) == 12
