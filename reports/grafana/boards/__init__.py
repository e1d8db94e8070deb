"""The seven dashboards, one module each."""
