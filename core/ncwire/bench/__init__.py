"""Comparing drivers: contestants in processes of their own, their floors, and what comes out.

For `ncwire bench`, and for the developers' suite in benchmarks/. `worker`, `target` and
`subsystem` need the standard library only: they also run where ncwire is not installed.
"""
