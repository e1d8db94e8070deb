"""Playbooks run through ansible-runner, in a process, an environment and a folder of their own."""
