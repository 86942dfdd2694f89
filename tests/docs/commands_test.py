#!/usr/bin/env python3
"""The shell blocks of README.md and docs/*.md that are marked `<!-- run -->`, run as a reader would.

The blocks of a page run in their order, in a folder that looks like a checkout after a build, each in a shell of its
own. What a block starts in the background ends with it. Three things differ from what a reader sees: the demo sweep is
cut down to a moment's work, the coordinator's port is a free one, and sweepctl waits for the coordinator that was started
before it, as a reader would.
"""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
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

    def run(self, text):
        """(exit code, output) of a block."""
        block = tempfile.mkdtemp(dir=self.folder)
        port = free_port()
        text = text.replace("7070", port)
        # So that what comes after `sweep-coordinator … &` waits for it.
        text = re.sub(r"^(sweep-coordinator .*&)", r'touch "$BLOCK/started"\n\1', text, flags=re.M)
        script = ("set -euo pipefail\nexport PATH=$PWD/build/release/bin:$PATH\n"
                  "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + text)
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "XDG_CONFIG_HOME": os.path.join(self.folder, "config"),
                       "BLOCK": block, "PORT": port, "PROGRAMS": BIN, "LORIKEET_COORDINATOR": "127.0.0.1:" + port}
        output = os.path.join(block, "output")
        with open(output, "w", encoding="utf-8") as file, \
                subprocess.Popen(["bash", "-c", script], cwd=self.root, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=file, stderr=file, start_new_session=True) as shell:
            try:
                code = shell.wait(timeout=300)
            except subprocess.TimeoutExpired:
                code = "none after 300 s"
                os.killpg(shell.pid, signal.SIGKILL)
        with open(output, encoding="utf-8", errors="replace") as file:
            return code, file.read()


class Commands(unittest.TestCase):
    def test_marked_blocks_run(self):
        count = 0
        for page, text in pages().items():
            marked = [(line, block) for line, block, run in blocks(text, "sh") if run]
            if not marked:
                continue
            with Checkout() as checkout:
                for line, block in marked:
                    count += 1
                    code, output = checkout.run(block)
                    with self.subTest(block=f"{page}:{line}"):
                        self.assertEqual(code, 0, f"\n{block}\n{output[-6000:]}")
        self.assertGreaterEqual(count, 6, "README.md has blocks to run")

    def test_this_test_bites(self):
        with Checkout() as checkout:
            self.assertEqual(checkout.run("sweepctl --version")[0], 0)
            self.assertEqual(checkout.run("sweepctl --no-such-flag\necho on")[0], 2)
            self.assertEqual(checkout.run("sweepctl submit --dry-run none.yaml | cat")[0], 2)
            code, output = checkout.run("sweep-coordinator --data state &\nsweepctl list")
            self.assertEqual(code, 0, output)
            self.assertEqual(len(blocks("<!-- run -->\n```sh\nx\n```\n\n```sh\ny\n```\n", "sh")), 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
