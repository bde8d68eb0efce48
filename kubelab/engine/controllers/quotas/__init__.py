"""ResourceQuota: how much of each quota is used."""

from kubelab.engine.controllers.quotas.controller import QuotaController

__all__ = ["QuotaController"]
