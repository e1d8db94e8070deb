"""A small fictional city that really answers on loopback addresses: for the demonstration, and for trying things.

``example`` writes the site, ``listeners`` answers for its hosts, ``demo`` shows one audit from end to end.
"""
