"""The scorer as a small web service."""
