"""Forget: which slices a person reaches, their exact replay, and its certificate."""
