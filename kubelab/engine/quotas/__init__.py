"""Quotas: what objects use of a namespace's ResourceQuotas, and whether one more fits.

The order to read in: `amounts` (sums of quantities), `usage` (what one object counts for), `scopes` (which
objects a quota is about), `decision`. The API server asks before it writes, the quota controller afterwards.
"""
