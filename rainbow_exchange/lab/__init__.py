"""A simulated Exchange and a simulated Rainbow on loopback, speaking the real wires. Shares no parser with the clients."""
