"""What runs the targets: inputs from their seeds, by atheris or without it."""
