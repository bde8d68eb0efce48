"""What Katib's three controllers share: names, conditions, trial templates, and what is known of a search.

Experiment, Suggestion and Trial are kubeflow.org/v1beta1, as Katib 0.19 has them. The decisions about
hyperparameters themselves are `kubelab.tuning`'s.
"""
