"""REST for scripts, under /api/v1/. docs/api.md is its manual."""
