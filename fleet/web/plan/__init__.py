"""Planning a cutover.

views.py        the page and its preview: begin here
form.py         what a person types becomes a Plan
view_models.py  reads the database
"""
