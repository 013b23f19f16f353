"""Files of rows as people have them, and the same work on them as on a run's own."""
