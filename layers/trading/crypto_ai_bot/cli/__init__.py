"""Floor 5, the commands; not shipped."""
