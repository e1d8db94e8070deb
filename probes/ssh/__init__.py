"""Hosts read from inside over SSH: logging in is our own part, reading is Ansible's or a shell script's."""
