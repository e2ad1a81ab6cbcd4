"""The local page and its interface for commands. Gets callables and plain views; imports nobody's loops."""
