"""A guard measured on labelled rows: as Libra-Test is, and beyond it."""
