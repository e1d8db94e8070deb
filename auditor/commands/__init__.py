"""What each command does; :mod:`auditor.cli` holds their options."""
