"""Curves over time and the tests that compare them."""
