"""Floor 5, a trader's own machine: the embedded exchange and cloud; not shipped."""
