"""Active learning as a loop: explore, select, label, fit, until nothing extrapolates."""
