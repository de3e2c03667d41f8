"""Makes of server: what each does with each driver. `python tests/makes/run.py` prints it."""
