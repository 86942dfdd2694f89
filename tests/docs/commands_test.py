#!/usr/bin/env python3
"""The shell blocks of README.md and docs/*.md that are marked `<!-- run -->`, run as a reader would.

The blocks of a page run in their order, in a folder that looks like a checkout after a build, each in a shell of its
own. What a block starts in the background ends with it. Three things differ from what a reader sees: the sweeps are
cut down to a moment's work, the coordinator's port is a free one, and sweepctl waits for the coordinator that was started
before it, as a reader would. pages.py says how blocks may be marked besides.
"""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from pages import BIN, PROGRAMS, SOURCE, blocks, pages

WAIT = r"""
if [ -e "$BLOCK/started" ]; then
  for _ in $(seq 200); do [ -e "$BLOCK/port" ] && break; sleep 0.1; done
fi
"""
WRAPPERS = {
    "sweep-coordinator": """
case " $* " in *" --listen "*) ;; *) set -- "$@" --listen 127.0.0.1:$PORT ;; esac
exec "$PROGRAMS/sweep-coordinator" "$@" --port-file "$BLOCK/port"
""",
    "sweepctl": WAIT + 'exec "$PROGRAMS/sweepctl" "$@"\n',
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def small(text):
    """The demo's sweep file with next to nothing to do."""
    for pattern, replacement, needed in (
            (r"limit: \{.*\}", "limit: {train: 16, validation: 4, test: 4}", True),
            (r"seeds: \[.*\]", "seeds: [1, 2]", True),
            (r"(steps|epochs): \d+", "steps: 2", True),
            (r"validate_every: \d+", "validate_every: 2", False),
            (r"warmup_steps: \d+", "warmup_steps: 1", False),
            (r"max_new_tokens: \d+", "max_new_tokens: 8", False)):
        text, count = re.subn(r"\b" + pattern, replacement, text)
        assert count or not needed, f"demo.yaml has no {pattern}"
    return text


def quick(text):
    """A block whose own sweep file of sixty steps has two."""
    for long, short in (("steps: 60", "steps: 2"), ("validate_every: 20", "validate_every: 2"), ("max_new_tokens: 72", "max_new_tokens: 8"),
                        ("seeds: [1, 2, 3]", "seeds: [1, 2]")):
        text = re.sub(re.escape(long) + r"\b" * long[-1].isdigit(), short, text)
    return text


class Checkout:
    """A folder as after deploy/build.sh. Use as a context manager."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="lorikeet-docs-")
        self.root = os.path.join(self.folder, "lorikeet")
        self.wrappers = os.path.join(self.folder, "programs")
        programs = os.path.join(self.root, "build", "release", "bin")
        examples = os.path.join(self.root, "sweeps", "examples")
        for folder in (programs, examples, self.wrappers):
            os.makedirs(folder)
        for name in ("deploy", "docs", "README.md"):
            os.symlink(os.path.join(SOURCE, name), os.path.join(self.root, name))
        for path in glob.glob(os.path.join(SOURCE, "sweeps", "examples", "*")):
            os.symlink(path, os.path.join(examples, os.path.basename(path)))
        demo = os.path.join(examples, "demo.yaml")
        os.remove(demo)
        with open(os.path.join(SOURCE, "sweeps", "examples", "demo.yaml"), encoding="utf-8") as file:
            text = small(file.read())
        with open(demo, "w", encoding="utf-8") as file:
            file.write(text)
        for name in PROGRAMS:
            with open(os.path.join(programs, name), "w", encoding="utf-8") as file:
                file.write("#!/bin/bash\n" + WRAPPERS.get(name, f'exec "$PROGRAMS/{name}" "$@"\n'))
            os.chmod(os.path.join(programs, name), 0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, text):
        """The shell that runs a block, in a process group of its own; its folder is `shell.block`."""
        block = tempfile.mkdtemp(dir=self.folder)
        port = free_port()
        text = text.replace("7070", port)
        # So that what comes after `sweep-coordinator … &` waits for it.
        text = re.sub(r"^(sweep-coordinator .*&)", r'touch "$BLOCK/started"\n\1', text, flags=re.M)
        script = ("set -euo pipefail\nexport PATH=$PWD/build/release/bin:$PATH\n"
                  "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + text)
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "XDG_CONFIG_HOME": os.path.join(self.folder, "config"),
                       "BLOCK": block, "PORT": port, "PROGRAMS": BIN, "LORIKEET_COORDINATOR": "127.0.0.1:" + port}
        with open(os.path.join(block, "output"), "w", encoding="utf-8") as file:
            shell = subprocess.Popen(["bash", "-c", script], cwd=self.root, env=environment, stdin=subprocess.DEVNULL,
                                     stdout=file, stderr=file, start_new_session=True)
        shell.block = block
        return shell

    def end(self, shell):
        """(exit code, output)"""
        try:
            code = shell.wait(timeout=300)
        except subprocess.TimeoutExpired:
            code = "none after 300 s"
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        with open(os.path.join(shell.block, "output"), encoding="utf-8", errors="replace") as file:
            return code, file.read()

    def run(self, text):
        """(exit code, output) of a block."""
        return self.end(self.start(text))

    def run_beside(self, shell, text):
        """The same, in a second terminal, once what `shell` runs is there to be asked; that is still to be ended."""
        code, output = None, "the block before it ended first"
        while shell.poll() is None and code != 0:
            code, output = self.run(text)
        return code, output

    def run_until_stopped(self, text):
        """The same, of a coordinator that serves until a Ctrl-C."""
        shell = self.start(text)
        for _ in range(300):
            if shell.poll() is not None or os.path.exists(os.path.join(shell.block, "port")):
                break
            time.sleep(0.1)
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGINT)
        return self.end(shell)


class Commands(unittest.TestCase):
    def test_marked_blocks_run(self):
        count = 0
        for page, text in pages().items():
            marked = [(line, block, how) for line, block, how in blocks(text, "sh") if how]
            if not marked:
                continue
            with Checkout() as checkout:
                for i, (line, block, how) in enumerate(marked):
                    count += 1
                    with self.subTest(block=f"{page}:{line}"):
                        if how == "run beside":
                            continue  # with the one before it
                        beside = marked[i + 1] if marked[i + 1:] and marked[i + 1][2] == "run beside" else None
                        if how == "run until stopped":
                            code, output = checkout.run_until_stopped(block)
                        elif beside:
                            shell = checkout.start(quick(block))
                            looked, look = checkout.run_beside(shell, beside[1])
                            code, output = checkout.end(shell)
                            self.assertEqual(looked, 0, f"\n{beside[1]}\n{look[-6000:]}\nbeside:\n{output[-6000:]}")
                        else:
                            code, output = checkout.run(quick(block))
                        self.assertEqual(code, 0, f"\n{block}\n{output[-6000:]}")
        self.assertGreaterEqual(count, 6, "README.md has blocks to run")

    def test_this_test_bites(self):
        with Checkout() as checkout:
            self.assertEqual(checkout.run("sweepctl --version")[0], 0)
            self.assertEqual(checkout.run("sweepctl --no-such-flag\necho on")[0], 2)
            self.assertEqual(checkout.run("sweepctl submit --dry-run none.yaml | cat")[0], 2)
            code, output = checkout.run("sweep-coordinator --data state &\nsweepctl list")
            self.assertEqual(code, 0, output)
            self.assertNotEqual(checkout.run_until_stopped("sweep-coordinator --no-such-flag")[0], 0)
            shell = checkout.start("sleep 1")
            self.assertNotEqual(checkout.run_beside(shell, "sweepctl --no-such-flag")[0], 0)
            self.assertEqual(checkout.end(shell)[0], 0)
            self.assertEqual([how for _, _, how in blocks("<!-- run beside -->\n```sh\nx\n```\n", "sh")], ["run beside"])
            self.assertEqual(len(blocks("<!-- run -->\n```sh\nx\n```\n\n```sh\ny\n```\n", "sh")), 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
