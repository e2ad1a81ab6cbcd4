"""What a person types. One thin module per command; the only importer of click."""
