"""What a person types beside `python -m agents --config …`."""
