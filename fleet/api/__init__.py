"""REST for scripts, under /api/v1/."""
