"""Looks at the world and never judges it."""
