"""What the law asks, as data, and its application to a snapshot as a pure function."""
