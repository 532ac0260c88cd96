"""The offline calculator."""
