"""The controller of Katib's Suggestions: asks the algorithm for as many trials as are requested."""

from kubelab.engine.controllers.suggestion.controller import SuggestionController

__all__ = ["SuggestionController"]
