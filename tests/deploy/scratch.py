"""A copy of deploy/ in a folder of its own, and a PATH that holds only tools that change nothing and fakes."""
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap

SOURCE = os.path.abspath(sys.argv[1])
CMAKE = sys.argv[2]
TOOLS = ("awk", "basename", "bash", "cat", "chmod", "dirname", "env", "grep", "mkdir", "mv", "nproc", "realpath", "rm", "sed", "tr")


class Scratch:
    """Use as a context manager; the folder goes at its end. Fakes write what they were called with to `log`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="lorikeet-deploy-")
        self.repository = os.path.join(self.folder, "repository")
        self.bin = os.path.join(self.folder, "bin")
        self.log_file = os.path.join(self.folder, "log")
        shutil.copytree(os.path.join(SOURCE, "deploy"), os.path.join(self.repository, "deploy"))
        os.mkdir(self.bin)
        for tool in TOOLS:
            os.symlink(shutil.which(tool), os.path.join(self.bin, tool))
        self.environment = {"PATH": self.bin, "HOME": self.folder, "LOG": self.log_file,
                            "XDG_CACHE_HOME": os.path.join(self.folder, "cache")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def fake(self, name, body):
        """A program `name` on PATH (or at that absolute path): the shell script `body`, after logging its call."""
        path = os.path.join(self.bin, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write('#!/bin/bash\necho "${0##*/} $*" >> "$LOG"\n' + textwrap.dedent(body))
        os.chmod(path, 0o755)

    def run(self, script, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([os.path.join(self.repository, "deploy", script), *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=60, check=False, **options)

    def log(self):
        """The fakes' calls so far, a line each."""
        if not os.path.exists(self.log_file):
            return []
        with open(self.log_file, encoding="utf-8") as file:
            return file.read().splitlines()

    def forget(self):
        if os.path.exists(self.log_file):
            os.remove(self.log_file)

    def read(self, *path):
        with open(os.path.join(self.repository, *path), encoding="utf-8") as file:
            return file.read()
