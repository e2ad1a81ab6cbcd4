"""Answers to a doubt about one person or one installation, from what the parts know."""
