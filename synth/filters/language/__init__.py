"""What the rules know of Chinese: what sentences do, refusals, classes of answers, stated labels."""
