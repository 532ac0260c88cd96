"""Published findings held against fitted models."""
