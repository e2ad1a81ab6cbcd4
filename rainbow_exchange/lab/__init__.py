"""A simulated Exchange and a simulated Rainbow on loopback that speak the real wires. Shares no parser with the clients."""
