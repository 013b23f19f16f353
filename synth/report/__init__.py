"""Pages to read a run on and to label it on: one HTML file each, that opens from disk and asks nobody for anything."""
