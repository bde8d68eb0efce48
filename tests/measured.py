"""Reads the numbers that ``/metrics`` tells."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


def numbers(text: str) -> Numbers:
    """Return every number in a text, by its name and labels."""
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def total(found: Numbers, name: str, /, **labels: str) -> float:
    """Return the sum of the numbers of that name which have these labels."""
    return sum(
        number
        for (its_name, its_labels), number in found.items()
        if its_name == name and labels.items() <= dict(its_labels).items()
    )
