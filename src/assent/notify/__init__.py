"""Who must still be told something, and the ways to tell it."""
