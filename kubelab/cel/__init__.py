"""The Common Expression Language: in custom resources' rules, and in the selection of instance types."""
