"""Web: what a project answers over HTTP."""
