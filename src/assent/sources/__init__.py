"""Real exports, read as documents and subjects."""
