"""A trader's own machine: the embedded cloud, the embedded exchange, and the rehearsal of both."""
