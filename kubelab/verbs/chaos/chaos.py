"""`Chaos`: the faults that a cluster can be given, each with an expectation and a verdict."""

from __future__ import annotations

from kubelab.verbs.chaos.api import ApiFaults
from kubelab.verbs.chaos.network import NetworkFaults
from kubelab.verbs.chaos.pods import PodFaults
from kubelab.verbs.chaos.services import ServiceFaults


class Chaos(PodFaults, ApiFaults, NetworkFaults, ServiceFaults):
    """Breaks something on purpose once what is expected holds, undoes it, and judges.

    ``expect`` is what should hold before, during and after a fault: one of
    `kubelab.chaos.hypotheses.HYPOTHESES`, or a function that returns True as long as it holds. A fault is an
    object that ``kubectl get chaos`` shows. The lab's daemon undoes it at its deadline also when the notebook
    that asked for it is gone; Ctrl-C undoes it at once. What the lab cannot inject it refuses: the verdict's
    reason says why. On any other cluster a pod can be killed, which leaves nothing to undo, and no object.
    """
