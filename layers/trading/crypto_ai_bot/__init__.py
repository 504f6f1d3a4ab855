"""Long-only spot autotrader: one decision, at most one order, every fill counted once."""
