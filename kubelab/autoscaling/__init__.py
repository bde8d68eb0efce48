"""Which node group grows, which node goes, and why: pure decisions, and the service that speaks them.

Names and rules are Cluster Autoscaler's; scores and node group sets are our own design. The loop that acts on
the decisions is `kubelab.engine.controllers.clusterautoscaler`.
"""
