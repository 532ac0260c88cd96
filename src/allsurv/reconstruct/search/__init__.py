"""A seeded search for patients who satisfy printed numbers; it knows no paper."""
