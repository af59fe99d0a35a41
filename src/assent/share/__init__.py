"""What is handed over to a recipient, and what must be taken out of it later."""
