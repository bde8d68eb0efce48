import linecache

import pytest

from kubelab.errors import KubelabError
from kubelab.reports import notebook_folder
from kubelab.reports.demo import tagged_function

TUTORIAL = notebook_folder() / "tutorials/01-distributed-jax.ipynb"


def test_the_notebooks_function_keeps_its_source_for_tracebacks() -> None:
    function = tagged_function(TUTORIAL, "train")
    code = function.__code__
    assert linecache.getline(code.co_filename, code.co_firstlineno).startswith("def train(")


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(KubelabError, match=r"01-distributed-jax.ipynb has no cell .* defines nothing\(\)"):
        tagged_function(TUTORIAL, "nothing")
