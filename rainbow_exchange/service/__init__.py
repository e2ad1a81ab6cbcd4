"""The connector as a service: what is done to the service manager, who does it, and what must hold before."""
