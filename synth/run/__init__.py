"""A recipe carried out in a folder."""
