"""synth makes synthetic training data for Chinese guard models."""

__version__ = "0.2.0"
