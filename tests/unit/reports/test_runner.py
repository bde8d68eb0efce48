from pathlib import Path

import nbformat
import pytest

from kubelab.errors import KubelabError
from kubelab.reports import ParameterError, ReportFailedError, parameters, run_report
from kubelab.reports.runner import parse


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    declared = (
        'job: str = ""  # the job\'s name (required)\nsteps: int = 3\nrate: float = 0.5\nfast: bool = False'
        "\nlayers = [1, 2]\nseed = 3 * 7"
    )
    book.cells = [
        nbformat.v4.new_markdown_cell("# A <small> report"),
        nbformat.v4.new_code_cell(declared, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("secret_name = steps * rate\nprint(job, secret_name, fast)"),
        nbformat.v4.new_code_cell("assert job != 'broken', 'the job is broken'"),
    ]
    path = tmp_path / "small.ipynb"
    nbformat.write(book, path)
    return path


def test_a_report_shows_results_but_neither_code_nor_network(notebook: Path, tmp_path: Path) -> None:
    page = run_report(notebook, {"job": "digits", "steps": "4", "fast": "true"}, tmp_path / "out" / "r.html")
    text = page.read_text()
    assert "digits 2.0 True" in text
    assert "secret_name" not in text
    for network in ('src="http', "src='http", 'href="http', "@import", "url(http"):
        assert network not in text


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"job": "a", "stpes": "4"}, "unknown parameter 'stpes'"),
        ({"job": "a", "steps": "four"}, "steps='four' is not of type int"),
        ({"job": "a", "fast": "maybe"}, "fast='maybe' is not of type bool"),
        ({"job": "a", "layers": "3"}, "layers='3' is not of type list"),
        ({"job": "a", "seed": "x"}, "seed='x' is not of type literal"),
        ({}, "parameter 'job' is needed"),
    ],
)
def test_a_wrong_parameter_is_refused_with_the_right_ones(
    notebook: Path, given: dict[str, str], problem: str
) -> None:
    with pytest.raises(ParameterError) as caught:
        parse(given, parameters(notebook))
    assert problem in str(caught.value)
    assert 'job: str = ""  # the job\'s name' in str(caught.value)


def test_what_is_no_notebook_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "bad.ipynb").write_text("not JSON")
    with pytest.raises(KubelabError, match="is not a notebook"):
        parameters(tmp_path / "bad.ipynb")


def test_a_page_that_cannot_be_written_is_refused_before_anything_runs(
    notebook: Path, tmp_path: Path
) -> None:
    with pytest.raises(KubelabError, match="cannot be written"):
        run_report(notebook, {"job": "broken"}, tmp_path)


def test_texts_become_values_of_their_types(notebook: Path) -> None:
    values = parse(
        {"job": "7", "steps": "4", "rate": "1", "fast": "true", "layers": "[3]"}, parameters(notebook)
    )
    assert values == {"job": "7", "steps": 4, "rate": 1.0, "fast": True, "layers": [3]}


def test_a_failing_cell_is_named_and_the_page_is_kept(notebook: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportFailedError, match=r"cell \[\d\].*AssertionError: the job is broken") as caught:
        run_report(notebook, {"job": "broken"}, tmp_path / "r.html")
    assert caught.value.ename == "AssertionError"
    assert "broken 1.5 False" in (tmp_path / "r.html").read_text()
