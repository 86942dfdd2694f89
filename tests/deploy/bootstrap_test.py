#!/usr/bin/env python3
"""What deploy/bootstrap.sh decides, for every kind of machine that it may meet. usage: bootstrap_test.py SOURCE CMAKE"""
import os
import subprocess
import sys
import unittest

from scratch import Scratch

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'

# `python3 -m venv DIR` makes a DIR/bin/python whose pip "installs" a torch tree: CUDA's, unless asked for cpu.
VENV = r'''
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin"
  cat > "$3/bin/python" <<'PYTHON'
#!/bin/bash
root=$(dirname "$0")/../torch
if [ "$1 $2" = "-m pip" ]; then
  echo "pip ${*:3}" >> "$LOG"
  [ -z "${FAKE_PIP_FAILS:-}" ] || exit 1
  mkdir -p "$root/share/cmake/Torch" "$root/lib"
  echo > "$root/share/cmake/Torch/TorchConfig.cmake"
  case "$*" in
    */cpu*) echo "cuda: Optional[str] = None" > "$root/version.py" ;;
    *) echo "cuda: Optional[str] = ${FAKE_WHEEL_CUDA:-None}" > "$root/version.py" ;;
  esac
else
  [ -d "$root" ] && cd "$root/share/cmake" && pwd
fi
PYTHON
  chmod +x "$3/bin/python"
else
  [ -n "${FAKE_TORCH:-}" ] && echo "$FAKE_TORCH"
fi
'''


class Bootstrap(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.__exit__)
        self.environment = self.scratch.environment
        release = os.path.join(self.scratch.folder, "os-release")
        with open(release, "w", encoding="utf-8") as file:
            file.write(DEBIAN)
        self.environment.update(LORIKEET_OS_RELEASE=release, CUDA_HOME=os.path.join(self.scratch.folder, "no-cuda"),
                                FAKE_UID="0", FAKE_TORCH=self.make_torch("importable"))
        self.scratch.fake("dpkg-query", """\
            for package in "${@:3}"; do
              case " ${FAKE_MISSING:-} " in *" $package "*) ;; *) echo "installed $package" ;; esac
            done
            """)
        self.scratch.fake("apt-get", 'echo "frontend ${DEBIAN_FRONTEND:-}" >> "$LOG"; exit "${FAKE_APT_EXIT:-0}"\n')
        self.scratch.fake("id", 'echo "$FAKE_UID"\n')
        self.scratch.fake("python3", VENV)

    def make_torch(self, name, cuda=None):
        root = os.path.join(self.scratch.folder, name)
        os.makedirs(os.path.join(root, "share", "cmake", "Torch"))
        with open(os.path.join(root, "share", "cmake", "Torch", "TorchConfig.cmake"), "w", encoding="utf-8"):
            pass
        with open(os.path.join(root, "version.py"), "w", encoding="utf-8") as file:
            file.write(f"__version__ = '2.13.0'\ncuda: Optional[str] = {cuda!r}\n")
        return os.path.join(root, "share", "cmake")

    def sudo(self, exit_code):
        # Like the real one, it hands no variables on.
        self.scratch.fake("sudo", f'[ "$1" != -n ] || exit {exit_code}\nunset DEBIAN_FRONTEND\nexec "$@"\n')

    def bootstrap(self, *arguments):
        return self.scratch.run("bootstrap.sh", *arguments)

    def succeed(self, *arguments):
        done = self.bootstrap(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def refuse(self, *arguments):
        done = self.bootstrap(*arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.scratch.repository, "build", "bootstrap.env")))
        return done.stderr

    def prefix(self):
        """What a script that reads build/bootstrap.env has as CMAKE_PREFIX_PATH."""
        return subprocess.run(["bash", "-c", '. build/bootstrap.env; printf %s "$CMAKE_PREFIX_PATH"'], check=True,
                              cwd=self.scratch.repository, capture_output=True, text=True, env=self.environment).stdout

    def called(self, *programs):
        return [line for line in self.scratch.log() if line.split()[0] in programs]

    # ---- packages

    def test_where_all_is_there_nothing_is_installed(self):
        said = self.succeed()
        self.assertEqual(self.called("apt-get", "sudo", "pip"), [])
        self.assertEqual(self.prefix(), self.environment["FAKE_TORCH"])
        self.assertNotIn("tried on Debian 12 only", said)

    def test_root_installs_what_is_missing_and_no_more(self):
        self.environment["FAKE_MISSING"] = "cmake libyaml-cpp-dev"
        self.sudo(0)
        self.succeed()
        self.assertEqual(self.called("apt-get", "sudo"), [
            "apt-get update -qq", "apt-get install -y --no-install-recommends cmake libyaml-cpp-dev"])
        self.assertIn("frontend noninteractive", self.scratch.log())

    def test_the_tests_want_more(self):
        self.environment["FAKE_MISSING"] = "clang-tidy libgmock-dev"
        self.succeed()
        self.assertEqual(self.called("apt-get"), [])
        self.succeed("--tests")
        self.assertIn("clang-tidy libgmock-dev", self.called("apt-get")[-1])

    def test_others_install_by_sudo(self):
        self.environment.update(FAKE_MISSING="cmake", FAKE_UID="1000")
        self.sudo(0)
        self.succeed()
        self.assertIn("sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends cmake",
                      self.called("sudo"))
        self.assertIn("frontend noninteractive", self.scratch.log())

    def test_without_root_and_sudo_the_exact_line_is_printed(self):
        self.environment.update(FAKE_MISSING="cmake git", FAKE_UID="1000")
        line = "\n  apt-get update && apt-get install -y --no-install-recommends cmake git\n"
        self.assertIn(line, self.refuse())
        self.assertEqual(self.called("apt-get"), [])
        self.sudo(1)  # one that wants a password, and there is no terminal to ask for it
        self.assertIn(line, self.refuse())
        self.assertEqual(self.called("apt-get"), [])

    def test_a_failing_apt_get_is_an_error(self):
        self.environment.update(FAKE_MISSING="cmake", FAKE_APT_EXIT="100")
        self.assertIn("apt-get install -y --no-install-recommends cmake\n", self.refuse())

    def test_another_system_is_untried_but_gone_on_with(self):
        with open(self.environment["LORIKEET_OS_RELEASE"], "w", encoding="utf-8") as file:
            file.write('PRETTY_NAME="Fedora Linux 40"\n')
        os.remove(os.path.join(self.scratch.bin, "apt-get"))
        said = self.succeed()
        self.assertIn("this is Fedora Linux 40", said)
        self.assertIn("install the equivalents of: ca-certificates cmake", said)

    # ---- LibTorch

    def test_torch_dir_wins_then_the_prefix_path(self):
        mine, other = self.make_torch("mine"), self.make_torch("other")
        self.environment["CMAKE_PREFIX_PATH"] = "/nowhere:" + other
        self.succeed()
        self.assertEqual(self.prefix(), "/nowhere:" + other)
        self.environment["Torch_DIR"] = os.path.join(mine, "Torch")
        self.succeed()
        self.assertEqual(self.prefix(), f"{mine}:/nowhere:{other}")
        self.assertEqual(self.called("python3", "pip"), [])

    def test_an_unpacked_libtorch_counts(self):
        self.make_torch("libtorch")
        self.environment["CMAKE_PREFIX_PATH"] = os.path.join(self.scratch.folder, "libtorch")
        self.succeed()
        self.assertEqual(self.prefix(), self.environment["CMAKE_PREFIX_PATH"])

    def test_settings_that_hold_no_torch_are_named(self):
        self.environment.update(Torch_DIR="/nowhere", CMAKE_PREFIX_PATH="/usr/nowhere")
        said = self.succeed()
        self.assertIn("Torch_DIR=/nowhere holds no TorchConfig.cmake", said)
        self.assertIn("CMAKE_PREFIX_PATH holds no TorchConfig.cmake", said)
        self.assertEqual(self.prefix(), self.environment["FAKE_TORCH"] + ":/usr/nowhere")

    def test_pip_is_last_and_downloads_once(self):
        self.environment["FAKE_TORCH"] = ""
        self.succeed()
        self.assertEqual(self.called("pip"), ["pip install --disable-pip-version-check -q torch==2.13.0"])
        environment = os.path.join(self.environment["XDG_CACHE_HOME"], "lorikeet", "torch-2.13.0")
        self.assertEqual(self.prefix(), os.path.join(environment, "torch", "share", "cmake"))
        self.scratch.forget()
        self.succeed()
        self.assertEqual(self.called("pip"), [])

    def test_lorikeet_torch_names_another(self):
        self.environment["LORIKEET_TORCH"] = "torch==2.13.0 --index-url https://mirror.example/simple"
        self.succeed()
        self.assertTrue(self.called("pip")[0].endswith("-q torch==2.13.0 --index-url https://mirror.example/simple"))
        self.assertIn("/cache/lorikeet/torch-2.13.0_--index-url", self.prefix())
        self.environment["LORIKEET_TORCH"] = "https://mirror.example/cpu"
        self.succeed()
        self.assertTrue(self.called("pip")[-1].endswith("-q torch==2.13.0 --index-url https://mirror.example/cpu"))
        wheel = "https://mirror.example/torch-2.13.0-cp311-cp311-linux_x86_64.whl"
        self.environment["LORIKEET_TORCH"] = wheel
        self.succeed()
        self.assertTrue(self.called("pip")[-1].endswith("-q " + wheel))

    def test_a_failing_pip_leaves_nothing_half_done(self):
        self.environment.update(FAKE_TORCH="", FAKE_PIP_FAILS="1")
        self.assertIn("pip could not install 'torch==2.13.0'", self.refuse())
        self.assertEqual(os.listdir(os.path.join(self.environment["XDG_CACHE_HOME"], "lorikeet")), [])

    def test_a_cuda_build_without_its_toolkit_is_said_and_the_cpu_build_offered(self):
        self.environment["FAKE_TORCH"] = self.make_torch("cuda", "12.8")
        said = self.refuse()
        self.assertIn("built for CUDA 12.8", said)
        self.assertIn("no nvcc", said)
        self.assertIn("\n  LORIKEET_TORCH=URL deploy/quickstart.sh\n", said)
        self.environment["LORIKEET_TORCH"] = "https://mirror.example/cpu"  # as it says
        self.succeed()

    def test_a_cuda_build_with_its_toolkit_is_taken(self):
        self.environment["FAKE_TORCH"] = self.make_torch("cuda", "12.8")
        self.scratch.fake("nvcc", "")
        self.assertIn("LibTorch for CUDA 12.8", self.succeed())

    def test_on_a_terminal_the_cpu_build_is_asked_for(self):
        self.environment.update(FAKE_TORCH="", FAKE_WHEEL_CUDA="'12.8'")
        for answer, code in (b"\n", 1), (b"https://mirror.example/cpu\n", 0):
            ours, theirs = os.openpty()
            os.write(ours, answer)
            done = subprocess.run([os.path.join(self.scratch.repository, "deploy", "bootstrap.sh")], check=False,
                                  env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs, timeout=60)
            os.close(theirs)
            os.close(ours)
            self.assertEqual(done.returncode, code)
        self.assertIn("mirror.example_cpu", self.prefix())

    def test_unknown_argument(self):
        self.assertEqual(self.bootstrap("--test").returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
