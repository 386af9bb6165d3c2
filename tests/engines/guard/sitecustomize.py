"""Refuses every way of Python's to the network, loopback too, and notes it.

Python imports a module of this name at its start; put this folder on PYTHONPATH, and name in
NETWORK_CALLS the file for the notes.
"""

import os
import socket


def _refuse(owner: type | object, name: str, plain=None) -> None:
    def refused(*arguments, **options):
        if plain and arguments[0].family == socket.AF_UNIX:
            return plain(*arguments, **options)
        with open(os.environ["NETWORK_CALLS"], "a") as log:
            log.write(f"{name} {arguments[bool(plain) :]}\n")
        raise OSError(f"{name}: refused by the test")

    setattr(owner, name, refused)


for _name in ("connect", "connect_ex", "sendto", "sendmsg"):
    _refuse(socket.socket, _name, getattr(socket.socket, _name))
for _name in ("create_connection", "getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    _refuse(socket, _name)
