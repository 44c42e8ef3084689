"""What the pages say is true: their commands run, their SQL runs, their lists are complete."""
