"""A simulated Exchange and a simulated Rainbow on loopback; they share no parser with the product."""
