"""Which images the node stands in for, and what each runs when the pod names no command.

The node pulls nothing: its pods are processes of this machine, so an image is a promise about which
programs are there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

_PYTHON = ("python3",)
_SHELL = ("sh",)
_PATTERNS: dict[str, tuple[str, ...]] = {
    "kubelab/*": _PYTHON,
    "python": _PYTHON,
    "nvcr.io/nvidia/jax": _PYTHON,
    "ghcr.io/nvidia/jax": _PYTHON,
    "ghcr.io/kubeflow/*": _PYTHON,
    "docker.io/kubeflow/*": _PYTHON,
    "docker.io/kubeflowkatib/*": _PYTHON,
    "busybox": _SHELL,
    "alpine": _SHELL,
    "bash": ("bash",),
    "debian": ("bash",),
    "ubuntu": ("bash",),
}
_NAME = re.compile(r"^[a-z0-9]+(?:[._/:-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the node stands in for, or why it does not.

    Attributes
    ----------
    command : tuple of str
        What it runs where the pod names neither command nor args (Dockerfile's ``CMD``).
    problem : str
        Empty, or the message of ``ErrImagePull``.
    """

    command: tuple[str, ...] = ()
    problem: str = ""


def find(image: str) -> Image:
    """Return the image of that name, with or without registry, tag and digest."""
    if not _NAME.match(image):
        return Image(problem=f'couldn\'t parse image name "{image}": invalid reference format')
    repository = _repository(image)
    for pattern, command in _PATTERNS.items():
        if fnmatchcase(repository, pattern) or fnmatchcase(f"docker.io/{repository}", pattern):
            return Image(command)
    return Image(
        problem=f'failed to resolve image "{image}": this node pulls nothing; it runs pods as processes of '
        f"its machine and stands in for {', '.join(_PATTERNS)}. Use one of these, such as kubelab/jax."
    )


def names() -> list[str]:
    """Return what ``status.images`` of the Node lists."""
    return ["kubelab/jax:latest", *(f"{name}:latest" for name in _PATTERNS if "*" not in name)]


def _repository(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    name = head + slash + tail.partition(":")[0]
    return name.removeprefix("docker.io/library/").removeprefix("library/").removeprefix("docker.io/")
