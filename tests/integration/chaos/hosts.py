"""Hosts of their own network on one machine: network namespaces joined by a bridge, whose cables can be pulled.

Everything lives in a network namespace of the caller's own (inside_own_network), so nothing is seen outside it and
nothing is left of it. Needs Linux's namespaces, and iproute2 and util-linux; root, or unprivileged user namespaces.
"""
import os
import subprocess
import sys
import time

MARK = "LORIKEET_OWN_NETWORK"


def inside_own_network():
    """Runs this program again inside a new network namespace, unless it is in one already."""
    if os.environ.get(MARK):
        return
    for unshare in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            os.environ[MARK] = "1"
            os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    sys.exit("this test needs a network namespace: root, or a kernel that lets users make user namespaces")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Hosts:
    """As a context manager. Host k (from 1) has address 10.77.0.k; the names stay for as long as the object."""

    def __init__(self, names):
        self.names = list(names)
        self.holders = {}  # a process each, which keeps the namespace

    def __enter__(self):
        ip("link", "add", "bridge", "type", "bridge")
        ip("link", "set", "bridge", "up")
        ours = os.readlink("/proc/self/ns/net")
        for name in self.names:
            holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
            self.holders[name] = holder
            while os.readlink(f"/proc/{holder.pid}/ns/net") == ours:
                time.sleep(0.01)
            ip("link", "add", self.cable(name), "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
            ip("link", "set", self.cable(name), "master", "bridge", "up")
            for words in (["addr", "add", self.address(name) + "/24", "dev", "eth0"], ["link", "set", "eth0", "up"],
                          ["link", "set", "lo", "up"]):
                subprocess.run([*self.enter(name), "ip", *words], check=True)
        return self

    def __exit__(self, *_):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()
        ip("link", "delete", "bridge")

    def cable(self, name):
        return f"cable{self.names.index(name) + 1}"

    def address(self, name):
        return f"10.77.0.{self.names.index(name) + 1}"

    def enter(self, name):
        """The words before a command that runs on that host."""
        return ["nsenter", f"--net=/proc/{self.holders[name].pid}/ns/net"]

    def cut(self, name):
        ip("link", "set", self.cable(name), "down")

    def mend(self, name):
        ip("link", "set", self.cable(name), "up")
