"""A stand-in for a model server: OpenAI-compatible, over the offline backend, with the latency, faults and limits it is told to have."""
