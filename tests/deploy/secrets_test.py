#!/usr/bin/env python3
"""deploy/make-token.sh and deploy/make-certs.sh: what they make, for whose eyes, and what they leave alone.
usage: secrets_test.py SOURCE CMAKE"""
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import unittest

from scratch import Scratch

TOOLS = ("chown", "date", "flock", "mktemp", "openssl")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Secrets(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.__exit__)
        for tool in TOOLS:
            os.symlink(shutil.which(tool), os.path.join(self.scratch.bin, tool))
        self.made = os.path.join(self.scratch.folder, "made")

    def path(self, *names):
        return os.path.join(self.scratch.folder, *names)

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return file.read()


class Token(Secrets):
    def make(self, *arguments, code=0):
        done = self.scratch.run("make-token.sh", *arguments, "--data", self.path("state"))
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_the_token_is_printed_once_and_its_hash_kept(self):
        token = self.make("client", "alice@lab").stdout
        self.assertRegex(token, r"^[0-9a-f]{64}\n$")
        line = self.read("state", "tokens")
        digest = hashlib.sha256(token.strip().encode()).hexdigest()
        self.assertRegex(line, r"^client alice@lab %s \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$" % digest)
        self.assertNotIn(token.strip(), line)
        self.assertEqual(mode(self.path("state", "tokens")), 0o600)
        self.assertEqual(mode(self.path("state")), 0o700)
        self.assertNotEqual(self.make("worker", "gpu-1").stdout, token)
        self.assertEqual(len(self.read("state", "tokens").splitlines()), 2)

    def test_or_written_for_its_owner(self):
        done = self.make("worker", "gpu-1", "--out", self.path("token"))
        self.assertEqual(done.stdout, "")
        token = self.read("token")
        self.assertNotIn(token.strip(), done.stderr)
        self.assertEqual(mode(self.path("token")), 0o600)
        self.assertIn(hashlib.sha256(token.strip().encode()).hexdigest(), self.read("state", "tokens"))
        before = self.read("state", "tokens")
        self.assertIn("is there already", self.make("read", "wall", "--out", self.path("token"), code=2).stderr)
        self.assertIn("cannot be written", self.make("read", "wall", "--out", self.path("none", "token"), code=2).stderr)
        self.assertEqual((self.read("token"), self.read("state", "tokens")), (token, before))

    def test_a_name_has_one_token_of_a_role(self):
        self.make("client", "alice")
        self.assertIn("'client alice' already", self.make("client", "alice", code=2).stderr)
        self.make("read", "alice")
        self.make("client", "alic")

    def test_what_stands_there_stays(self):
        os.mkdir(self.path("state"))
        with open(self.path("state", "tokens"), "w", encoding="utf-8") as file:
            file.write("# of the lab\n\nread wall " + "0" * 64 + "\n")
        self.make("client", "alice")
        self.assertTrue(self.read("state", "tokens").startswith("# of the lab\n\nread wall " + "0" * 64 + "\nclient alice "))
        self.assertEqual(mode(self.path("state", "tokens")), 0o600)

    def test_many_at_once_lose_none(self):
        script = os.path.join(self.scratch.repository, "deploy", "make-token.sh")
        running = [subprocess.Popen([script, "worker", f"gpu-{i}", "--data", self.path("state")],
                                    env=self.scratch.environment, stdout=subprocess.DEVNULL) for i in range(8)]
        self.assertEqual([process.wait(timeout=60) for process in running], [0] * 8)
        self.assertEqual(len(self.read("state", "tokens").splitlines()), 8)

    def test_wrong_usage_leaves_nothing(self):
        self.assertIn("'admin' is no role", self.make("admin", "alice", code=2).stderr)
        for name in ("a b", "a/b", "", "a" * 65, "a\nb"):
            self.assertIn("is no name", self.make("client", name, code=2).stderr)
        self.assertIn("usage:", self.make("client", code=2).stderr)
        self.assertIn("unknown option --force", self.make("client", "alice", "--force", code=2).stderr)
        done = self.scratch.run("make-token.sh", "client", "alice")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertFalse(os.path.exists(self.path("state")))


class Certs(Secrets):
    def make(self, *arguments, code=0):
        done = self.scratch.run("make-certs.sh", "--out", self.made, *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], cwd=self.made, capture_output=True, text=True, timeout=60, check=False)

    def verifies(self, certificate, purpose):
        return self.openssl("verify", "-CAfile", "ca.crt", "-purpose", purpose, certificate).returncode == 0

    def test_a_ca_a_server_and_workers(self):
        self.make("--server", "head-node,10.0.0.1", "--worker", "gpu-1", "--worker", "gpu-2")
        self.assertEqual(sorted(os.listdir(self.made)),
                         sorted(f"{name}.{kind}" for name in ("ca", "server", "worker-gpu-1", "worker-gpu-2")
                                for kind in ("crt", "key")))
        for name in os.listdir(self.made):
            self.assertEqual(mode(os.path.join(self.made, name)), 0o600 if name.endswith(".key") else 0o644, name)
        self.assertTrue(self.verifies("server.crt", "sslserver"))
        self.assertTrue(self.verifies("worker-gpu-1.crt", "sslclient"))
        self.assertFalse(self.verifies("server.crt", "sslclient"))
        self.assertFalse(self.verifies("worker-gpu-1.crt", "sslserver"))
        names = self.openssl("x509", "-in", "server.crt", "-noout", "-ext", "subjectAltName").stdout
        self.assertEqual(re.findall(r"(?:DNS|IP Address):[^,\s]+", names),
                         ["DNS:head-node", "IP Address:10.0.0.1", "DNS:localhost", "IP Address:127.0.0.1"])
        self.assertIn("CN = gpu-1", self.openssl("x509", "-in", "worker-gpu-1.crt", "-noout", "-subject").stdout)

    def test_a_later_one_is_of_the_same_ca(self):
        self.make("--server", "head-node", "--days", "7")
        with open(os.path.join(self.made, "ca.crt"), encoding="utf-8") as file:
            before = file.read()
        self.make("--worker", "gpu-3")
        with open(os.path.join(self.made, "ca.crt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        self.assertTrue(self.verifies("worker-gpu-3.crt", "sslclient"))
        self.assertEqual(self.openssl("x509", "-in", "server.crt", "-noout", "-checkend", str(6 * 86400)).returncode, 0)
        self.assertEqual(self.openssl("x509", "-in", "server.crt", "-noout", "-checkend", str(8 * 86400)).returncode, 1)

    def test_nothing_is_overwritten(self):
        self.make("--server", "head-node", "--worker", "gpu-1")
        self.assertIn("server.crt is there already", self.make("--server", "other", "--worker", "gpu-9", code=2))
        self.assertIn("worker-gpu-1.crt is there already", self.make("--worker", "gpu-1", code=2))
        self.assertNotIn("worker-gpu-9.crt", os.listdir(self.made))
        os.remove(os.path.join(self.made, "ca.key"))
        self.assertIn("ca.key is missing", self.make("--worker", "gpu-2", code=2))

    def test_wrong_usage_leaves_nothing(self):
        for arguments, said in ((("--server", "a b"), "'a b' is neither"), (("--worker", "../x"), "is no host's name"),
                                (("--server", "x,DNS:evil\n"), "is neither"), (("--days", "0", "--worker", "x"), "--days 0"),
                                ((), "nothing to make"), (("--force",), "unknown argument --force")):
            self.assertIn(said, self.make(*arguments, code=2))
        self.assertFalse(os.path.exists(self.made))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
