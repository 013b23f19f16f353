"""The mark 【略】 in an answer: deleted without holes, put into vague words, put back, and taken out where answers are compared."""
