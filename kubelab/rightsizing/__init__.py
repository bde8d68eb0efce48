"""Which requests and limits fit what containers really use: pure decisions, each with its reason."""
