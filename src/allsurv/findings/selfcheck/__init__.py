"""The arithmetic of published numbers, checked by itself."""
