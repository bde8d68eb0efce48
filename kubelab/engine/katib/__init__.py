"""What Katib's objects mean, for the server that checks them and the controllers that run them.

Experiment, Suggestion and Trial are kubeflow.org/v1beta1, as Katib 0.19 has them: the names and labels that
they are found by, trial templates, the paths of success and failure, and metrics collectors. Decisions about
hyperparameters are `kubelab.tuning`'s.
"""
