"""Stands in for a package that LLaMA-Factory imports and uses for sound alone: the registry builds it for GPUs, where this torch is none's."""
