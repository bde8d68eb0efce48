import io

from rich.console import Console

from kubelab.engine.board import table
from kubelab.engine.overview import Overview, total


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


def test_numbers_of_one_name_are_added_up() -> None:
    text = '# TYPE a counter\na{of="x y"} 2\na{of="z"} 1e1\na 1\na_b{of="x"} 5\n'
    assert total(text, "a") == 13
