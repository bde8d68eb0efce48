"""What runs inside a training pod. It travels in the job's archive and needs only the standard library.

JAX and Orbax come from the image, imported when they are first used.
"""
