"""How many patients a model needs, and how well it may be expected to do."""
