"""Where a pod fits, and why: filters, scores and preemption as pure functions of a frozen snapshot.

`decide.decide` is the whole decision, `ranking` the same one faster, `cache.Cache` keeps the snapshot. The
loop that acts on it is `kubelab.engine.scheduler`; autoscaling asks the same filters about nodes that do not
exist yet.
"""
