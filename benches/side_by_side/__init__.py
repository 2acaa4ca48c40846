"""The parts of `peers.py`: ferroprop and the other libraries side by side."""
