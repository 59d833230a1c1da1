#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the proof leaves out because it passed on the fresh machine, tried on a tree of a few tests and with a fresh machine that is made up."""
import os
import stat
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import run  # noqa: E402

# The line "SKIPPED " stands in more output than ctest keeps unless it is told to.
TESTS = """
add_test(passes sh -c "echo passes >>../../ran")
set_tests_properties(passes PROPERTIES LABELS alone)
add_test(skips sh -c "seq 999; echo SKIPPED skips: no disk; seq 999; echo skips >>../../ran")
add_test(is_skipped sh -c "echo is_skipped >>../../ran; exit 77")
set_tests_properties(is_skipped PROPERTIES SKIP_RETURN_CODE 77)
add_test(governed sh -c "echo governed >>../../ran")
set_tests_properties(governed PROPERTIES LABELS "plain;seeds")
add_test(fails sh -c "echo fails >>../../ran; test ! -e ../../broken")
add_test(here_alone sh -c "echo here_alone >>../../ran")
set_tests_properties(here_alone PROPERTIES LABELS proof)
"""
# It runs them as `make test` would, with two calls of ctest, and leaves the results where it was told to.
MACHINE = f"""#!{sys.executable} -B
import os, sys
sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})
import run
if os.path.exists("silent"):
    sys.exit(1)
run.ROOT, run.FOLDER = os.getcwd(), os.environ["DRWATCH_FRESH"]
part = run.Part("plain tests")
part.tests("dev", ["-LE", "alone|proof"], 2)
part.tests("dev", ["-L", "alone"], 1)
os.remove("ran")
sys.exit(part.failed)
"""


class Fresh(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = run.ROOT = folder.name
        run.FOLDER = os.path.join(self.top, "build", "checks")
        run.FRESH = os.path.join(run.FOLDER, "fresh")
        os.makedirs(run.FOLDER)
        os.makedirs(os.path.join(self.top, "build", "dev"))
        self.write("build/dev/CTestTestfile.cmake", TESTS)
        os.makedirs(os.path.join(self.top, "tests/proof"))
        self.write("tests/proof/fresh_machine.sh", MACHINE)
        os.chmod(os.path.join(self.top, "tests/proof/fresh_machine.sh"), stat.S_IRWXU)
        self.fresh, self.proof = run.Part("fresh machine"), run.Part("plain proofs")

    def write(self, name, text=""):
        with open(os.path.join(self.top, name), "w", encoding="utf-8") as file:
            file.write(text)

    def ran(self):
        """The tests that the proof ran itself, after the fresh machine."""
        self.proof.tests("dev", [], 1, None, self.fresh.shown.get("dev", []))
        with open(os.path.join(self.top, "ran"), encoding="utf-8") as file:
            return sorted(file.read().split())

    def test_what_passed_there_is_left_out_and_counted_once(self):
        self.fresh.fresh_machine(True)
        self.assertFalse(self.fresh.failed)
        self.assertEqual(self.ran(), ["governed", "here_alone", "is_skipped", "skips"])
        self.assertEqual(self.proof.skipped, ["skips: skips: no disk", "is_skipped: SKIP_RETURN_CODE=77"])
        self.assertEqual(run.counted([self.fresh, self.proof], 0), "5 passed (of them 2 on the fresh machine), 0 failed, 2 skipped")

    def test_what_failed_there_is_run_here_and_has_failed(self):
        self.write("broken")
        self.fresh.fresh_machine(True)
        self.assertTrue(self.fresh.failed)
        self.assertEqual(self.fresh.failures, ["fails (dev, fresh machine)"])
        os.remove(os.path.join(self.top, "broken"))
        self.assertIn("fails", self.ran())
        self.assertFalse(self.proof.failed)

    def test_what_failed_here_has_to_pass_here(self):
        self.fresh.fresh_machine(True)
        self.proof.unsteady.append("fails")
        self.assertIn("fails", self.ran())

    def test_nothing_is_left_out_of_another_tree_or_after_a_machine_that_showed_nothing(self):
        self.fresh.fresh_machine(False)
        self.assertEqual(len(self.ran()), 6)
        self.write("silent")
        self.fresh.fresh_machine(True)
        self.assertTrue(self.fresh.failed)
        self.assertEqual(self.fresh.shown["dev"], [])

    def test_seeds_that_nobody_has_are_an_error(self):
        self.write("build/dev/CTestTestfile.cmake", TESTS.replace(";seeds", ""))
        with self.assertRaises(SystemExit):
            self.fresh.fresh_machine(True)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
