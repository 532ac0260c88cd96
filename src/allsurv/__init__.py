"""Prognostic survival models, held against published findings."""
