"""The Exchange side: EWS operations, streams and subscriptions. Knows nothing of Rainbow, of state or of settings."""
