"""The parts of `soak.py`: a server, what is done to it at random, and who watches over all."""
