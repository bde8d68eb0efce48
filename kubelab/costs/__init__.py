"""What nodes and pods cost: dated prices, metering on either clock, and how money is attributed."""
