"""Can this site be moved to HTTPS?

views.py        the page and its buttons: begin here
form.py         what an admin says about the site
view_models.py  reads the database, and turns what it finds into what the page shows
"""
