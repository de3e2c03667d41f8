"""The yardsticks: each library in a bare loop, as fast as it can be written."""
