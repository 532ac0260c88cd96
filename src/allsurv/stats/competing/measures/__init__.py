"""How good predicted risks of one cause are where other causes may come first."""
