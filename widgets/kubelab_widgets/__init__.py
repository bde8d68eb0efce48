"""Panels for notebooks: each shows live state of a kubelab cluster and acts through its API."""

from kubelab_widgets.autoscaler_panel import AutoscalerPanel
from kubelab_widgets.chaos_panel import ChaosPanel
from kubelab_widgets.cost_panel import CostPanel
from kubelab_widgets.dns_panel import DnsPanel
from kubelab_widgets.fleet_view import FleetView
from kubelab_widgets.jax_job_panel import JaxJobPanel
from kubelab_widgets.proxy_bench_panel import ProxyBenchPanel
from kubelab_widgets.rightsizing_panel import RightsizingPanel
from kubelab_widgets.sweep_panel import SweepPanel

__all__ = [
    "AutoscalerPanel",
    "ChaosPanel",
    "CostPanel",
    "DnsPanel",
    "FleetView",
    "JaxJobPanel",
    "ProxyBenchPanel",
    "RightsizingPanel",
    "SweepPanel",
]
