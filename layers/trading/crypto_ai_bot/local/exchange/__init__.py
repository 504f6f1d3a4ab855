"""The embedded exchange: a Gate-compatible spot server that the real client talks to.

Three layers. Pure market data and state, with time as an argument (`bars`, `timeline`, `replay`,
`synthetic`, `pairs`, `depth`, `market`); what it says in Gate's words, still without I/O (`wire`,
`public`, `control`, `exchange`); and the HTTP face (`server`). `candle_file` reads the disk.
"""
