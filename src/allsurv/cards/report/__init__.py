"""The report of a reproduced paper, and its documents."""
