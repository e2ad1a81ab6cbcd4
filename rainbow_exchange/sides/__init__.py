"""Builds both sides from the settings in force, and leaves them in order: starts in `both.py`."""
