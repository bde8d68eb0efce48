"""What a `Cluster` can be asked to do, one class of verbs for each subject.

`Cluster` inherits them all. A new verb goes into the class of its subject; a new subject is a module here
with a class that derives from `Handle`, named in the bases of `Cluster`.
"""
