"""Puts a version of this program beside the ones before it, and goes back.

Standard library only: it runs from the wheel, as `docs/how-to/upgrade.md` shows.
"""
