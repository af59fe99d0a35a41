"""The case retold on data: simulated choices, and the story that runs on them."""
