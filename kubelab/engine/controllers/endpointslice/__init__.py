"""EndpointSlices (discovery.k8s.io/v1): a pure decision from a Service and its pods, and the loop on it."""

from kubelab.engine.controllers.endpointslice.controller import EndpointSliceController
from kubelab.engine.controllers.endpointslice.decision import SliceChanges, decide

__all__ = ["EndpointSliceController", "SliceChanges", "decide"]
