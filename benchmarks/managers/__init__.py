"""ncclient's Managers, over its own transport and over ncwire's, each in a process of its own."""
