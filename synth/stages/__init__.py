"""Samples in; samples or drops out. Each stage is a prompt, a request, and a reading of the reply; none knows of order or of N."""
