"""The limits of a node's network, measured on this machine's own kernel.

`compare` loads the rules that kube-proxy would write for thousands of Services, in each of its modes, and
times the first packet by the position of its Service, and how long rules take to load and to change.
"""
