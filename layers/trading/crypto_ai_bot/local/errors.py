"""What a person at the keyboard can put right."""


class RehearsalError(Exception):
    """One line: what, where, and what to do. The command prints it and ends with status 2."""
