"""Can this site be moved? views.py (begin here), form.py (what an admin tells about the site), view_models.py (what the
page shows, as plain values)."""
