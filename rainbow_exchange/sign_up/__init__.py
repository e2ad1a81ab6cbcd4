"""Signs a company up: an administrator signs in once, and the connector keeps what it needs."""
