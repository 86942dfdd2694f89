#!/usr/bin/env python3
"""deploy/build.sh builds and configures when it must and not otherwise; deploy/test.sh fails where a test fails or is
skipped; CMake without LibTorch says what to do. usage: scripts_test.py SOURCE CMAKE"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from scratch import CMAKE, SOURCE, Scratch

JUNIT = """<testsuite><testcase name="a" status="run" time="0.5"/>{more}</testsuite>"""
SKIPPED = '<testcase name="b" status="notrun" time="0"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>'
FAILED = """<testcase name="c" status="fail" time="1"><failure message="Failed"/>\
<system-out>it said why</system-out></testcase>"""


class Build(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.__exit__)
        os.mkdir(os.path.join(self.scratch.repository, "build"))
        with open(os.path.join(self.scratch.repository, "build", "bootstrap.env"), "w", encoding="utf-8") as file:
            file.write("export CMAKE_PREFIX_PATH=/torch\n")
        self.scratch.fake("cmake", """\
            [ "$1" != --preset ] || [ -z "${FAKE_MISTAKE:-}" ] || { echo "a mistake in CMakeLists.txt"; exit 1; }
            [ "$1" != --preset ] || echo > "build/$2/build.ninja"
            [ "$1" != --build ] || exit "${FAKE_BUILD_EXIT:-0}"
            """)
        self.scratch.fake("git", 'echo "${FAKE_REVISION:-abc}"\n')
        self.scratch.environment["LORIKEET_JOBS"] = "3"

    def calls(self, code, *arguments):
        self.scratch.forget()
        done = self.scratch.run("build.sh", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return [line for line in self.scratch.log() if line.startswith("cmake")]

    def test_configures_once(self):
        build = "cmake --build build/release -j 3"
        configured = ["cmake --preset release -DX=1", build]
        self.assertEqual(self.calls(0, "release", "-DX=1"), configured)
        self.assertEqual(self.calls(0, "release", "-DX=1"), [build])
        self.assertEqual(self.calls(0, "release", "-DX=2"), ["cmake --preset release -DX=2", build])
        self.scratch.environment["FAKE_REVISION"] = "def"  # what --version says
        self.assertEqual(self.calls(0, "release", "-DX=2"), ["cmake --preset release -DX=2", build])

    def test_mistakes_are_shown_and_not_taken_for_configured(self):
        self.scratch.environment["FAKE_MISTAKE"] = "1"
        self.assertEqual(self.calls(1, "release"), ["cmake --preset release"])
        self.assertIn("a mistake in CMakeLists.txt", self.scratch.run("build.sh", "release").stderr)
        del self.scratch.environment["FAKE_MISTAKE"]
        self.assertEqual(len(self.calls(0, "release")), 2)
        self.scratch.environment["FAKE_BUILD_EXIT"] = "7"
        self.calls(7, "release")

    def test_wants_a_preset_and_the_bootstrap(self):
        self.assertEqual(self.calls(2), [])
        os.remove(os.path.join(self.scratch.repository, "build", "bootstrap.env"))
        self.assertEqual(self.calls(2, "release"), [])


class Tests(unittest.TestCase):
    def run_tests(self, ctest_exit, more="", presets=(), writes=True):
        with Scratch() as scratch:
            scratch.fake("../repository/deploy/bootstrap.sh", "")
            scratch.fake("../repository/deploy/build.sh", "")
            scratch.fake("ctest", f"""\
                while [ "$1" != --output-junit ]; do shift; done
                mkdir -p "$(dirname "$2")"
                {"true" if writes else "false"} && echo '{JUNIT.format(more=more)}' > "$2"
                exit {ctest_exit}
                """)
            os.symlink(sys.executable, os.path.join(scratch.bin, "python3"))
            done = scratch.run("test.sh", *presets)
            return done, [line.split()[0] + " " + line.split()[2] for line in scratch.log() if line.startswith("ctest")]

    def test_all_presets_unless_some_are_named(self):
        done, calls = self.run_tests(0)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(calls, ["ctest release", "ctest asan", "ctest tsan", "ctest fuzz"])
        done, calls = self.run_tests(0, presets=("asan",))
        self.assertEqual(calls, ["ctest asan"])

    def test_a_failing_test_fails_it_at_once(self):
        done, calls = self.run_tests(8)
        self.assertEqual((done.returncode, calls), (8, ["ctest release"]))

    def test_what_a_failing_test_said_comes_last(self):
        done, _ = self.run_tests(8, FAILED)
        self.assertEqual(done.returncode, 8)
        self.assertEqual(done.stderr.splitlines(), ["failed: c", "    it said why"])

    def test_without_a_report_nothing_has_passed(self):
        done, _ = self.run_tests(0, writes=False)
        self.assertNotEqual(done.returncode, 0)

    def test_a_skipped_test_fails_it(self):
        done, _ = self.run_tests(0, SKIPPED)
        self.assertEqual(done.returncode, 1)
        self.assertIn("skipped: b", done.stderr)


class Configure(unittest.TestCase):
    def test_without_libtorch_it_says_what_to_do(self):
        folder = tempfile.mkdtemp(prefix="lorikeet-deploy-")
        self.addCleanup(shutil.rmtree, folder)
        done = subprocess.run([CMAKE, "-S", SOURCE, "-B", folder, "-G", "Ninja", "-DLORIKEET_TESTS=OFF",
                               "-DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON"], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        said = " ".join(done.stderr.split())
        self.assertIn("sweep-trainer needs LibTorch, and CMake found none. Run deploy/bootstrap.sh", said)
        self.assertIn("-DLORIKEET_TRAINER=OFF", said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
