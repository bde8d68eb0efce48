"""What a cluster has beside Kubernetes itself: which version of what, or how to install it."""

from kubelab.capabilities.found import Capabilities, Capability, capabilities_of
from kubelab.capabilities.reading import read

__all__ = ["Capabilities", "Capability", "capabilities_of", "read"]
