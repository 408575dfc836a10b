"""What the lab's server and terminals say to each other. Three dialects, because nobody knows what a real site speaks: agents
and dashboard must work with each of them, and know none. The probe profiles beside them were made by recordings
(tests/lab/test_dialects.py makes them again)."""
