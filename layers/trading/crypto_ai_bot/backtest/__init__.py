"""Floor 5, simulated trading on past candles; not shipped."""
