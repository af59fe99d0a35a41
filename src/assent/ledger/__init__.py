"""What was said, shown and ordered: appended, signed, never updated."""
