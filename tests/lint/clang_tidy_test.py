#!/usr/bin/env python3
"""The linter itself must bite, in company too, and take apart what does not compile together.

usage: clang_tidy_test.py SOURCE_DIR
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.abspath(sys.argv[1])
GOOD = """\
namespace lorikeet {{
namespace {{

int {helper}(int x) {{ return x + 1; }}

}}  // namespace

int {name}(int x) {{ return {helper}(x); }}

}}  // namespace lorikeet
"""
BAD = """\
#include <string>
#include <utility>

namespace lorikeet {

std::string Twice(std::string text) {
  std::string moved = std::move(text);
  return moved + text;
}

}  // namespace lorikeet
"""
UNGUARDED = """\
namespace lorikeet {

struct __attribute__((capability("mutex"))) Mutex {};

class Counter {
 public:
  int Get() const { return count_; }

 private:
  Mutex mutex_;
  int count_ __attribute__((guarded_by(mutex_))) = 0;
};

int Count(const Counter& counter) { return counter.Get(); }

}  // namespace lorikeet
"""


class Linter(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lorikeet-tidy-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.makedirs(os.path.join(self.folder, "common"))
        os.makedirs(os.path.join(self.folder, "build"))
        shutil.copy(os.path.join(SOURCE, ".clang-tidy"), self.folder)

    def lint(self, **files):
        entries = []
        for name, text in files.items():
            path = os.path.join(self.folder, "common", name + ".cc")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            entries.append({"directory": self.folder, "file": path,
                            "command": f"ccache /usr/bin/g++ -std=c++20 -Wno-restrict -Werror -o x.o -c {path}"})
        with open(os.path.join(self.folder, "build", "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(entries, file)
        return subprocess.run([sys.executable, "-B", os.path.join(SOURCE, "tests", "lint", "clang_tidy.py"), self.folder,
                               os.path.join(self.folder, "build")], capture_output=True, text=True, check=False,
                              env={**os.environ, "XDG_CACHE_HOME": os.path.join(self.folder, "cache")})

    def test_clean_files_together(self):
        done = self.lint(a=GOOD.format(name="A", helper="HelperA"), b=GOOD.format(name="B", helper="HelperB"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 files in 1 groups, 0 with warnings", done.stdout)

    def test_one_bad_file_in_company(self):
        for _ in range(2):  # what was found once is found again
            done = self.lint(a=GOOD.format(name="A", helper="HelperA"), b=BAD)
            self.assertEqual(done.returncode, 1)
            self.assertIn("b.cc:8:", done.stdout)
            self.assertIn("bugprone-use-after-move", done.stdout)
        self.assertEqual(self.lint(a=GOOD.format(name="A", helper="HelperA"), b=UNGUARDED).returncode, 1)

    def test_the_same_helper_in_two_files(self):
        done = self.lint(a=GOOD.format(name="A", helper="Helper"), b=GOOD.format(name="B", helper="Helper"))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("2 files in 2 groups", done.stdout)

    def test_a_helper_with_the_name_of_a_header_s_type(self):
        with open(os.path.join(self.folder, "common", "a.h"), "w", encoding="utf-8") as file:
            file.write("#pragma once\nnamespace lorikeet {\nstruct Block {};\nint A(Block block);\n}  // namespace lorikeet\n")
        a = '#include "common/a.h"\nnamespace lorikeet {\nint A(Block) { return 1; }\n}  // namespace lorikeet\n'
        done = self.lint(a=a.replace("common/", ""), b=GOOD.format(name="B", helper="Block"))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("2 files in 2 groups", done.stdout)

    def test_files_that_do_not_compile_together_are_taken_apart(self):
        hidden = GOOD.replace("int {helper}", "  int {helper}")  # not where clang-format puts it
        files = {"a": hidden.format(name="A", helper="Helper"), "b": hidden.format(name="B", helper="Helper")}
        done = self.lint(**files)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("2 files in 1 groups, 0 with warnings", done.stdout)
        self.assertIn("use-after-move", self.lint(**files, c=BAD).stdout)

    def test_a_file_that_does_not_compile(self):
        done = self.lint(a=GOOD.format(name="A", helper="HelperA"), b="int B() { return nothing; }\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("use of undeclared identifier 'nothing'", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
