"""Tables and samples of groups compared."""
