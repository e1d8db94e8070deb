"""What people look at, sign and send."""
