"""Names of Services that pods do not find, or find late.

On a node whose pods are processes, hosts files stand for the cluster's DNS: what they lack does not resolve.
"""

from __future__ import annotations

from kubelab.chaos.experiment import Experiment
from kubelab.engine.chaos.injector import RefusedError, Undone
from kubelab.engine.nodes import ProcessNode


class DisturbNames:
    """Withholds the names of Services from the pods of a node, for good or for a while."""

    def __init__(self, node: ProcessNode) -> None:
        self._node = node

    async def inject(self, experiment: Experiment) -> str:
        """Withhold them."""
        if self._node.isolation is None or not self._node.isolation.namespaces:
            raise RefusedError(
                "pods have no hosts files of their own here, since mount namespaces are not allowed: Service "
                "names in their environment are addresses from the start, which no DNS fault can reach."
            )
        services = [(target.namespace, target.name) for target in experiment.targets]
        delay_s = experiment.parameters.get("delay_s")
        self._node.name_faults.begin(experiment.uid, services, delay_s)
        names = ", ".join(name for _, name in services)
        if delay_s is None:
            return f"no pod resolves the names of Service {names}"
        return f"what is new of the names of Service {names} is known {delay_s:g} s later"

    async def undo(self, experiment: Experiment) -> Undone:
        """Show them again."""
        self._node.name_faults.end(experiment.uid)
        return Undone("names resolve")
