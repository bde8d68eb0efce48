"""The controller of Katib's db manager: acts on what `decide` says."""

from __future__ import annotations

from importlib.util import find_spec

from kubelab.client import DEPLOYMENTS, EXPERIMENTS, Object
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.dbmanager.decision import decide
from kubelab.engine.controllers.dbmanager.objects import (
    NAME,
    NAMESPACE,
    OWN_LABELS,
    command,
    command_of,
    deployment,
    objects,
)
from kubelab.engine.controllers.events import Note
from kubelab.engine.katib.collectors import collector_of
from kubelab.errors import AlreadyExistsError

_KEY = (NAMESPACE, NAME)
_ALL = "all"
_NOT_INSTALLED = Note(
    "Warning",
    "DbManagerUnavailable",
    "Trials cannot push metrics: katib-db-manager needs grpcio. Install it: pip install 'kubelab[grpc]'",
)


def is_installed() -> bool:
    """Say whether this Python has what the db manager needs."""
    return find_spec("grpc") is not None and find_spec("google.protobuf") is not None


class DbManagerController(Controller):
    """Runs Katib's db manager where trials need it; a db manager of Katib's own is left alone."""

    name = "katib-db-manager-controller"
    workers = 1

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.api_url = around.api_url
        self.experiments = self.views.of(EXPERIMENTS)
        self.deployments = self.views.of(DEPLOYMENTS)
        self.experiments.index(_ALL, lambda _experiment: (_ALL,))
        if self.api_url:
            self.experiments.subscribe(self._experiment_changed)
            self.deployments.subscribe(self._deployment_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create, scale or renew the db manager."""
        found = self.deployments.get(namespace, name)
        decision = decide(self.experiments.by_index(_ALL, _ALL), found)
        if decision.create:
            if is_installed():
                await self._create(decision.replicas or 0)
            return None
        if found is None or not _is_ours(found):
            return None
        if decision.replicas is not None:
            await self.patch(DEPLOYMENTS, found, {"spec": {"replicas": decision.replicas}})
        elif command_of(found) != command(self.api_url):
            template = deployment(self.api_url, 0)["spec"]["template"]
            await self.patch(DEPLOYMENTS, found, {"spec": {"template": template}})
        return None

    async def _create(self, replicas: int) -> None:
        for resource, body in objects(self.api_url, replicas):
            try:
                await self.create(resource, body)
            except AlreadyExistsError:
                continue

    def _experiment_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None and new is not None and collector_of(new) == "Push" and not is_installed():
            self.note(new, _NOT_INSTALLED)
        if old is None or new is None:
            self.queue.add(_KEY)

    def _deployment_changed(self, old: Object | None, new: Object | None) -> None:
        meta = either(old, new)["metadata"]
        if (meta["namespace"], meta["name"]) == _KEY:
            self.queue.add(_KEY)


def _is_ours(found: Object) -> bool:
    labels = found["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in OWN_LABELS.items())
