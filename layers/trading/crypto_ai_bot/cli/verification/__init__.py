"""What cab-verify-exchange asks of Gate: the open points of gate-spot 10, and how each is tried."""
