"""The instance types that clouds offer: what fits on one, and what it costs, with the price's date.

A list for three clouds is shipped (``instance_types.csv``, in a format of our own that says where each
figure is from); a price file of the user's own takes its place.
"""

from kubelab.autoscaling.catalogue.catalogue import Catalogue
from kubelab.autoscaling.catalogue.errors import (
    CatalogueError,
    PriceFileError,
    SelectionError,
    UnknownInstanceTypeError,
)
from kubelab.autoscaling.catalogue.instance_type import Accelerator, InstanceType

__all__ = [
    "Accelerator",
    "Catalogue",
    "CatalogueError",
    "InstanceType",
    "PriceFileError",
    "SelectionError",
    "UnknownInstanceTypeError",
]
