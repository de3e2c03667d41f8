"""`ncwire bench`: the command, and how its results are shown."""
