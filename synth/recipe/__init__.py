"""What a person writes (recipes, taxonomies, prompts), found, read and checked."""
