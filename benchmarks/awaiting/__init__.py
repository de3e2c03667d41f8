"""What `ncwire.aio` costs, beside the sync session and the hub."""
