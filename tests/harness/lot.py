"""lot: a piece of loopback of our own, so that two runs on one machine never meet.

All of 127.0.0.0/8 can be bound without setup. A lot is a /16-like pair of octets, held by a listening socket for as long
as the run lives; addresses are dealt from it one after another and never twice.
"""
import random
import socket

HELD_PORT = 8699


class Lot:
    def __init__(self):
        while True:
            self.octet = random.randint(16, 250)
            self.holder = socket.socket()
            try:
                self.holder.bind((f"127.{self.octet}.0.1", HELD_PORT))
                break
            except OSError:
                self.holder.close()
        self.dealt = 256

    def address(self):
        """An address that nobody had before in this run."""
        self.dealt += 1
        while self.dealt % 256 in (0, 255):
            self.dealt += 1
        assert self.dealt < 65536, "the lot is used up"
        return f"127.{self.octet}.{self.dealt // 256}.{self.dealt % 256}"

    def close(self):
        self.holder.close()
