"""What Katib's three controllers share: conditions, what they create, and what is known of a search."""
