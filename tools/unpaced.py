"""unpaced — a sender as most are: so many connections at once as there are threads, and what is refused is tried again."""
import concurrent.futures
import smtplib
import socket
import threading
import time

TRIES_MAX = 5
PAUSE_S = 0.2          # before it tries again: the receiver's count of the last try is down by then
MESSAGE = "From: {sender}\r\nTo: {to}\r\nSubject: Letter {number}\r\n\r\nA letter from one person to another.\r\n"


def send(smtp, source, count, connections):
    """Sends messages 1 ... count from `source`, shared out over the connections. What came of it the receiver knows."""
    host, port = smtp.rsplit(":", 1)
    shares = [list(range(first, count + 1, connections)) for first in range(1, connections + 1)]
    together = threading.Barrier(connections)
    with concurrent.futures.ThreadPoolExecutor(connections) as threads:
        list(threads.map(lambda share: _share(host, int(port), source, share, together), shares))


def _share(host, port, source, numbers, together):
    waiting, tries = list(numbers), 0
    while waiting and tries < TRIES_MAX:
        tries += 1
        try:
            _session(host, port, source, waiting, together if tries == 1 else None)
        except (OSError, smtplib.SMTPException):
            time.sleep(PAUSE_S)


class _Together(smtplib.SMTP):
    """Connects, waits for the others to be connected too, and only then listens for the greeting."""

    def __init__(self, barrier, **options):
        self.barrier, self.line = barrier, None
        super().__init__(**options)

    def _get_socket(self, host, port, timeout):
        connected = super()._get_socket(host, port, timeout)
        self.line = connected.dup()
        return connected

    def end(self):
        """Ten connections are ten, not eleven: the next one begins when the receiver has closed this one."""
        self.close()
        if self.line:
            self.line.settimeout(10)
            try:
                self.line.shutdown(socket.SHUT_WR)
                while self.line.recv(4096):
                    pass
            except OSError:
                pass                          # reset: closed as well
            self.line.close()

    def getreply(self):
        barrier, self.barrier = self.barrier, None
        if barrier:
            barrier.wait(10)
        return super().getreply()


def _session(host, port, source, waiting, together):
    """One connection; a message leaves `waiting` when the receiver took it."""
    smtp = _Together(together, timeout=10, local_hostname="unpaced.example", source_address=(source, 0))
    try:
        code, words = smtp.connect(host, port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        while waiting:
            number = waiting[0]
            sender, to = f"person{(number + 1) // 2}@unpaced.example", f"reader{number}@example.com"
            smtp.sendmail(sender, [to], MESSAGE.format(sender=sender, to=to, number=number))
            waiting.pop(0)
        smtp.docmd("QUIT")
    finally:
        smtp.end()
