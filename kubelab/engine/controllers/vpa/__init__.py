"""VerticalPodAutoscalers: recommendations, what is done about them, and what new pods get."""
