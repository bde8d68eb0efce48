"""The recorder: a process beside a lab cluster that keeps its jobs and sweeps as MLflow runs while they run.

It is a client of the API like any other, so a notebook's kernel may die, and the recorder itself: what it
writes next to a run is what is not there yet.
"""
