"""Sphinx's configuration: `sphinx-build -W -n -b html docs build/docs`."""

# ruff: noqa: INP001 - Sphinx reads it by its path

project = "ncwire"
author = "the ncwire authors"
extensions: list[str] = []
exclude_patterns = ["_build"]
nitpicky = True
html_theme = "alabaster"
html_theme_options = {"description": "NETCONF over SSH, TLS and Unix sockets"}
html_show_copyright = False
highlight_language = "python"
