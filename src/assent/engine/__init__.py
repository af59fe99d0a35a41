"""The one query that decides, and the engine that runs it."""
