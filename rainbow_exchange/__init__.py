"""On-premises connector between Microsoft Exchange calendars and Rainbow."""

__version__ = "0.1.0"
