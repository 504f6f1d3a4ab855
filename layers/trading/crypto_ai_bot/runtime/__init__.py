"""Floor 4, the entrance: settings, wiring, clock, observability, handlers."""
