"""Many sessions in one process: a server that holds thousands, and contestants that do."""
