"""What autodiscover asks, where, and what its answers mean; pure. The asking itself is in `ews/autodiscover.py`."""
