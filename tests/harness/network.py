"""network: hosts of the test's own: network namespaces on one switch, whose links, addresses and routes it may break.

    wire = Wire("a", "b")           # two hosts, and `far`, where receivers are: 10.88.0.1 and 10.88.0.2
    wire["a"].add("10.88.0.7")      # an address of host a
    worker.argv = wire["a"].argv(worker.argv)
    receiver = wire.receiver(evenpost, "10.88.0.1")

What lives in a host has its own kernel tables: addresses, sockets, the ports of locks. Needs root.
"""
import contextlib
import ctypes
import os
import subprocess

from harness.receiver import Receiver

CLONE_NEWNET = 0x40000000
FAR = ("10.88.0.1", "10.88.0.2")
_libc = ctypes.CDLL(None, use_errno=True)


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Host:
    """One namespace; its only wire is called `wire`."""

    def __init__(self, name, own):
        self.name, self.own = name, own
        _ip("netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        _ip("-n", self.name, *words)

    def add(self, address):
        self.ip("addr", "add", f"{address}/24", "dev", "wire")

    def remove(self, address):
        self.ip("addr", "del", f"{address}/24", "dev", "wire")

    def link(self, state):
        """up, or down: routes go with it, addresses stay."""
        self.ip("link", "set", "wire", state)

    def mac(self):
        told = subprocess.run(["ip", "-n", self.name, "-br", "link", "show", "wire"], check=True, capture_output=True, text=True)
        return told.stdout.split()[2]

    def argv(self, argv):
        return ["nsenter", f"--net=/run/netns/{self.name}", *argv]

    @contextlib.contextmanager
    def entered(self):
        """Sockets that this thread makes meanwhile belong to this host."""
        home, here = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            assert _libc.setns(here, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            yield
        finally:
            assert _libc.setns(home, CLONE_NEWNET) == 0
            os.close(home), os.close(here)

    def close(self):
        _ip("netns", "del", self.name)


class Wire:
    """Hosts by name, `own` each with an address that is nobody's IP and would be the kernel's choice; and far."""

    def __init__(self, *names):
        stem = f"ep{os.getpid()}"
        self.far = Host(f"{stem}-far", FAR[0])
        self.hosts = {name: Host(f"{stem}-{name}", f"10.88.0.{100 + n}") for n, name in enumerate(names)}
        self.far.ip("link", "add", "switch", "type", "bridge")
        self.far.ip("link", "set", "switch", "up")
        for address in FAR:
            self.far.ip("addr", "add", f"{address}/24", "dev", "switch")
        for name, host in self.hosts.items():
            self.far.ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "wire", "netns", host.name)
            self.far.ip("link", "set", f"to-{name}", "master", "switch", "up")
            host.link("up")
            host.add(host.own)

    def __getitem__(self, name):
        return self.hosts[name]

    def lead(self, address, name):
        """Answers to that address go to this host, whoever else has it: as a switch does after a takeover."""
        self.far.ip("neigh", "replace", address, "lladdr", self.hosts[name].mac(), "dev", "switch", "nud", "permanent")

    def receiver(self, evenpost, address=FAR[0], domain=None):
        """A receiver that lives far away, with a domain of its own and the route to it."""
        domain = domain or f"far{len(evenpost.receivers)}.test"
        with self.far.entered():
            receiver = Receiver(address, 2525, domain, now=evenpost.clock.now)
        evenpost.receivers.append(receiver)
        evenpost.route(domain, receiver.address, receiver.port)
        return receiver

    def close(self):
        for host in (self.far, *self.hosts.values()):
            host.close()
