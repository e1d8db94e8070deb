"""What exists, whose it is, and how we know: the language that every other package speaks."""

__version__ = "0.1.0"
