"""The limits lab: what Services and names cost on this machine's own kernel and resolver."""
