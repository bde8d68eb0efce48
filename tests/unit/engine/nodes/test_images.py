"""Which images the node stands in for."""

from __future__ import annotations

import pytest

from kubelab.engine.nodes.images import find


@pytest.mark.parametrize(
    ("image", "command"),
    [
        ("kubelab/jax", ("python3",)),
        ("python:3.12-slim", ("python3",)),
        ("docker.io/library/python", ("python3",)),
        ("nvcr.io/nvidia/jax:25.10-py3", ("python3",)),
        ("ghcr.io/kubeflow/training/x@sha256:" + "0" * 64, ("python3",)),
        ("docker.io/kubeflow/jaxjob-simple:latest", ("python3",)),
        ("busybox:1.36", ("sh",)),
        ("ubuntu", ("bash",)),
    ],
)
def test_known_images(image: str, command: tuple[str, ...]) -> None:
    assert find(image).command == command


@pytest.mark.parametrize("image", ["example.com/app:1", "nginx", "localhost:5000/python", "pythonic"])
def test_unknown_images_say_what_there_is(image: str) -> None:
    assert "kubelab/jax" in find(image).problem


def test_malformed_names_are_refused() -> None:
    assert "invalid reference format" in find("UPPER CASE").problem
