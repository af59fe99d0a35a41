"""What an operator allows itself, in a file that a lawyer can read."""
