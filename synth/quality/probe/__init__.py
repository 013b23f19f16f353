"""What a data set teaches, before a GPU is spent: a linear model over character n-grams, and the shortcuts that stand in it."""
