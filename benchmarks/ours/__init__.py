"""ncwire as a contestant, its layers apart: framing alone, a driver's channel, whole rpcs."""
