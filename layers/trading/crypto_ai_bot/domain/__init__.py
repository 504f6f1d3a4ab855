"""Floor 1, nouns and arithmetic: no input or output, no clock, no environment."""
