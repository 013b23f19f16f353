"""What is wanted and what is asked next: lanes, targets, element draws, rounds. Plain functions of the recipe and of tallies."""
