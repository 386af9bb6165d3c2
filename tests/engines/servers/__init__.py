"""Servers that tests talk to in place of a cloud's, all on the loopback interface."""
