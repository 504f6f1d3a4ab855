"""The exchange's engine: accounts, orders, trades, price orders, countdowns.

Pure: no I/O, no HTTP, no clock, no chance. Time is an argument, and what happens between two calls
(a resting order trades, a trigger fires, a countdown ends) happens at its own moment, in order.
The server speaks for it in Gate's words; the simulation calls it directly.
"""
