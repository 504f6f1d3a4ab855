"""Floor 2, permission: limits, sizing and the gate that alone makes Approved."""
