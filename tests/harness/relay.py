"""relay: a go-between for TCP or Unix sockets that can hold, drop or cut what passes.

Directions are named from the client: `requests` go to the target, `answers` come back.
"""
import os
import socket
import threading


class Relay:
    """listen and target are (address, port) or the path of a Unix socket."""

    def __init__(self, listen, target):
        self.listen, self.target = listen, target
        self.lock = threading.Condition()
        self.held = {"requests": False, "answers": False}
        self.eaten = {"requests": False, "answers": False}
        self.cut_at = {"requests": None, "answers": None}
        self.passed = {"requests": 0, "answers": 0}
        self.watch = None                   # called with (direction, octets) before they pass; True: hold the answers now
        self.pairs, self.closed = set(), False
        self.server = self._socket(listen)
        if isinstance(listen, str) and os.path.exists(listen):
            os.unlink(listen)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(listen)
        if isinstance(listen, str):
            os.chmod(listen, 0o777)
        self.server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, direction="answers"):
        """Nothing more passes that way; nothing is lost either, until flow() or cut()."""
        with self.lock:
            self.held[direction] = True

    def eat(self, direction="answers"):
        """What comes that way from now on disappears."""
        with self.lock:
            self.eaten[direction] = True

    def flow(self):
        with self.lock:
            self.held = dict.fromkeys(self.held, False)
            self.eaten = dict.fromkeys(self.eaten, False)
            self.lock.notify_all()

    def cut_after(self, octets, direction="answers"):
        """Every connection ends after that many more octets in that direction (all connections together)."""
        with self.lock:
            self.cut_at[direction] = self.passed[direction] + octets

    def cut(self):
        """Every connection ends now, with what was held."""
        with self.lock:
            pairs, self.pairs = self.pairs, set()
            self.cut_at = dict.fromkeys(self.cut_at, None)
            self.lock.notify_all()
        for pair in pairs:
            for end in pair:
                self._end(end)

    def close(self):
        self.closed = True
        self._end(self.server)
        self.server.close()
        self.flow()
        self.cut()

    @staticmethod
    def _socket(place):
        return socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)

    @staticmethod
    def _end(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            target = self._socket(self.target)
            try:
                target.connect(self.target)
            except OSError:
                client.close()
                target.close()
                continue
            pair = (client, target)
            with self.lock:
                self.pairs.add(pair)
            threading.Thread(target=self._pump, args=(pair, client, target, "requests"), daemon=True).start()
            threading.Thread(target=self._pump, args=(pair, target, client, "answers"), daemon=True).start()

    def _pump(self, pair, source, sink, direction):
        while True:
            try:
                octets = source.recv(65536)
            except OSError:
                octets = b""
            if not octets or not self._pass(pair, sink, direction, octets):
                break
        with self.lock:
            whole = pair in self.pairs and self.cut_at[direction] is None
        if whole:
            try:
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            if direction == "answers":
                self._end(source)
        else:
            self._end(source)
            self._end(sink)

    def _pass(self, pair, sink, direction, octets):
        if self.watch and self.watch(direction, octets):
            self.hold("answers")
        with self.lock:
            self.lock.wait_for(lambda: not self.held[direction] or pair not in self.pairs)
            if pair not in self.pairs:
                return False
            if self.eaten[direction]:
                return True
            limit = self.cut_at[direction]
            if limit is not None:
                octets = octets[:max(0, limit - self.passed[direction])]
            self.passed[direction] += len(octets)
            last = limit is not None and self.passed[direction] >= limit
        try:
            sink.sendall(octets)
        except OSError:
            return False
        if last:
            self.cut()
        return not last
