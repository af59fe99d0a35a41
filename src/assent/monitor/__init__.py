"""Following a log from outside: read it, verify it, report what it did wrong."""
