"""Windows servers read from inside, over SSH or WinRM."""
