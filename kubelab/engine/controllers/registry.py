"""Which controllers there are, and what runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kubelab.client import Client
from kubelab.clock import Clock
from kubelab.engine.controllers.autoscaling import HorizontalController
from kubelab.engine.controllers.clusterautoscaler import ClusterAutoscalerController
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.cronjob import CronJobController
from kubelab.engine.controllers.daemonset import DaemonSetController
from kubelab.engine.controllers.dbmanager import DbManagerController
from kubelab.engine.controllers.deployment import DeploymentController
from kubelab.engine.controllers.disruption import DisruptionController
from kubelab.engine.controllers.endpoints import EndpointsController
from kubelab.engine.controllers.endpointslice import EndpointSliceController
from kubelab.engine.controllers.events import EventRecorder
from kubelab.engine.controllers.experiment import ExperimentController
from kubelab.engine.controllers.garbage import GarbageCollector
from kubelab.engine.controllers.instancescore import InstanceScoreController
from kubelab.engine.controllers.jaxjob import JaxJobController
from kubelab.engine.controllers.job import JobController
from kubelab.engine.controllers.jobset import JobSetController
from kubelab.engine.controllers.lost_pods import LostPodsController
from kubelab.engine.controllers.meter import MeterController
from kubelab.engine.controllers.namespaces import NamespaceContentsController, NamespaceController
from kubelab.engine.controllers.nodegroup import NodeGroupController
from kubelab.engine.controllers.nodegroupset import NodeGroupSetController
from kubelab.engine.controllers.nodelifecycle import NodeLifecycleController
from kubelab.engine.controllers.quotas import QuotaController
from kubelab.engine.controllers.replicaset import ReplicaSetController
from kubelab.engine.controllers.roles import RoleAggregationController
from kubelab.engine.controllers.statefulset import StatefulSetController
from kubelab.engine.controllers.suggestion import SuggestionController
from kubelab.engine.controllers.tainteviction import TaintEvictionController
from kubelab.engine.controllers.trainjob import TrainJobController
from kubelab.engine.controllers.trial import TrialController
from kubelab.engine.controllers.views import Views
from kubelab.engine.controllers.vpa import VpaRecommenderController, VpaUpdaterController
from kubelab.engine.measures import Measures
from kubelab.informer import Informers

CUSTOM_CONTROLLERS: tuple[type[Controller], ...] = (
    TrainJobController,
    JobSetController,
    JaxJobController,
    ExperimentController,
    SuggestionController,
    TrialController,
    DbManagerController,
    MeterController,
    NodeGroupController,
    ClusterAutoscalerController,
    InstanceScoreController,
    NodeGroupSetController,
    VpaRecommenderController,
    VpaUpdaterController,
)
"""Those of custom kinds; the others are part of Kubernetes' own controller manager."""

CONTROLLERS: tuple[type[Controller], ...] = (
    *CUSTOM_CONTROLLERS,
    JobController,
    DeploymentController,
    ReplicaSetController,
    DaemonSetController,
    StatefulSetController,
    CronJobController,
    EndpointsController,
    EndpointSliceController,
    NamespaceContentsController,
    NamespaceController,
    NodeLifecycleController,
    TaintEvictionController,
    LostPodsController,
    QuotaController,
    DisruptionController,
    HorizontalController,
    RoleAggregationController,
    GarbageCollector,
)


class Controllers:
    """All controllers of a cluster.

    Parameters
    ----------
    client_for : callable
        Gives a client that acts as a user.
    informers : Informers
        Shared caches.
    clock : Clock
        What time it is.
    server_url, ca_pem : str
        Where pods report their progress, and its certificate authority; empty if they cannot.
    api_url : str
        Where pods reach the API server; empty if they cannot.
    which : tuple of Controller types
        All of them unless given.
    measures : Measures, optional
        Where their queues are measured.
    """

    def __init__(
        self,
        client_for: Callable[[str], Client],
        informers: Informers,
        clock: Clock,
        *,
        server_url: str = "",
        ca_pem: str = "",
        api_url: str = "",
        which: tuple[type[Controller], ...] = CONTROLLERS,
        measures: Measures | None = None,
    ) -> None:
        self.informers = informers
        self.events = EventRecorder(client_for("system:kube-controller-manager"), clock)
        measures = measures or Measures()
        around = Surroundings(
            client_for,
            Views(informers),
            self.events,
            clock,
            server_url=server_url,
            ca_pem=ca_pem,
            api_url=api_url,
            measures=measures,
        )
        self.all = tuple(controller(around) for controller in which)
        measures.read(
            "gauge",
            "workqueue_depth",
            "Keys that wait for a worker.",
            ("name",),
            lambda: [((each.name,), len(each.queue)) for each in self.all],
        )

    async def run(self) -> None:
        """Run them until cancelled."""
        await self.informers.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.events.run(), name="events")
            for controller in self.all:
                group.create_task(controller.run(), name=controller.name)
