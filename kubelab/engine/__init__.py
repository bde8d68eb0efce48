"""Everything that stands in for a real cluster: it acts on what the domain folders decide."""
