"""States that patients enter in turn: the probability of each, the moves, and what speeds them."""
