"""Floor 2, the doors: what the use cases ask of the broker, the store and the clock."""
