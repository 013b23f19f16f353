"""How models are asked: keys, the journal, slots, retries. Decides nothing about the data."""
