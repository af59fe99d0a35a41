"""Give a subject what proves to others how her words were, or were not, used."""
