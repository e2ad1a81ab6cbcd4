"""What is remembered across restarts: small, and losable. The only importer of the database."""
