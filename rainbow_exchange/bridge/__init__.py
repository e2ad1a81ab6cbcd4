"""The way between the two sides; speaks neither wire. Start reading at `pipeline.py`."""
