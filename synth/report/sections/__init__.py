"""The sections of a report, a file each; each gives its section of what a folder holds, or None where there is nothing to tell."""
