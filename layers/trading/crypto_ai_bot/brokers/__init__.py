"""Floor 3, adapters of the broker port: Gate through ccxt, and paper."""
