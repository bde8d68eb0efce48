"""The first recommendation on nodes that have never run a DaemonSet's pod."""
