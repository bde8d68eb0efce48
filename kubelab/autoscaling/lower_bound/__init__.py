"""The line that no policy can cross: the least that nodes must cost which hold given pods.

`program` finds it for one moment by a mixed-integer program, `over_time` for pods that come and go.
"""
