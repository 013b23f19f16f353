"""Near-duplicates among short Chinese texts: normalisation, and an exact online index."""
