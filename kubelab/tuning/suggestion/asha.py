"""``asha``: trials drawn at random, most of which are stopped early by the rule of the same name."""

from __future__ import annotations

from kubelab.tuning.settings import RANDOM_STATE
from kubelab.tuning.stopping.asha import SCHEMA
from kubelab.tuning.suggestion.algorithm import Algorithm
from kubelab.tuning.suggestion.random_search import suggest

ASHA = Algorithm({**SCHEMA, **RANDOM_STATE}, suggest)
