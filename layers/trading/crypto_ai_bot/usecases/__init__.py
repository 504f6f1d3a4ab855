"""Floor 3, the hallway: effects in one visible order."""
