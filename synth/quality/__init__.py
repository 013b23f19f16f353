"""What can be said of labels and rows: agreement, coverage, metrics, audits, probes."""
