"""What is run on the repository by hand or by make; no part of the program."""
