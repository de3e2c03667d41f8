"""What joins ncwire to other libraries, each in a package of its own that needs that library."""
