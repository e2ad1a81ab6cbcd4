"""The Rainbow side: REST client and the links over which questions arrive. Knows nothing of Exchange."""
