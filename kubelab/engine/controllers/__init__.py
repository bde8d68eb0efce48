"""The controllers: reconcile loops, each a client of the API that acts on what a pure function decides.

The order to read in: `controller` (what they share), then a kind's own folder: its ``decision`` first;
`registry` runs them all.
"""
