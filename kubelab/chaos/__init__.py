"""Chaos experiments as data: faults, whom they hit, what is expected to hold, and the verdict. Pure."""
