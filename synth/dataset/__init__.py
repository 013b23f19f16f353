"""What a run leaves: rows, shards, card, drops."""
