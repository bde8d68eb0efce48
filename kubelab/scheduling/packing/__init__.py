"""GPU packing: which node, and which of its shareable GPUs, a pod should get so that most GPUs are used.

`policies` holds the scores, `replay` the protocol of the published measurement, `openb` reads its trace. The
policies random, best-fit, dot-product and fragmentation gradient descent, and the protocol, are those of
Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent"
(USENIX ATC 2023) and its simulator, hkust-adsl/kubernetes-scheduler-simulator; `PricedGradient` is our own.
"""
