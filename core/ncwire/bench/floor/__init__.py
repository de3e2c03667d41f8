"""The yardsticks: each library in a bare loop, as fast as it can be written.

Those of SSH verify no host key, so they are for servers on the loopback interface alone.
"""
