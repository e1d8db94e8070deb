"""Endpoints that betray a platform: safe, read-only questions in HTTP(S), and what their answers name.

``questions.yaml`` is the table, ``table`` reads it, ``recognise`` holds an answer against it, ``probe`` asks.
"""
