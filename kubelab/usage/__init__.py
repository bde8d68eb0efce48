"""What containers really used over time: series, and the places that series come from."""
