"""What HTTPS costs at a site: measured.py, with intervals from quantiles.py."""
