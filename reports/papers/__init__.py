"""The papers of a rectification: what they say, the templates that lay them out, and how they become pages."""
