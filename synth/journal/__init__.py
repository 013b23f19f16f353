"""Replies and decisions: the only state of a run."""
