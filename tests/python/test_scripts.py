"""What scripts that measure refuse before they measure anything."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OF_DATA = ("PTB", "IMAGENET", "IMAGENET_NETWORKS", "SQUAD", "SQUAD_NETWORKS")


def call(script, *arguments, **environment):
    own = {k: v for k, v in os.environ.items() if k not in OF_DATA}
    return subprocess.run([os.path.join(ROOT, "scripts", script), *arguments], capture_output=True, text=True, env={**own, **environment})


class Refusals(unittest.TestCase):
    def test_wrong_use(self):
        for script, arguments in (("record-reference.sh", ["mnist"]), ("record-reference.sh", ["--out"]), ("reference.sh", ["zoo", "all"]),
                                  ("reproduce.sh", ["--only", "everything"]), ("reproduce.sh", ["--from", "memory"])):
            with self.subTest(script=script, arguments=arguments):
                done = call(script, *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(f"scripts/{script} [", done.stderr)
                self.assertEqual(done.stdout, "")

    @unittest.skipUnless(os.path.exists(os.path.join(ROOT, "build/bin/alert-bench")), "needs the release build in build/")
    def test_recordings_without_their_data(self):
        with tempfile.TemporaryDirectory() as folder:
            for workload, given, lacks in (("imagenet", {}, "IMAGENET"), ("imagenet", {"IMAGENET": folder}, "IMAGENET_NETWORKS"),
                                           ("squad", {"SQUAD": folder}, "SQUAD_NETWORKS")):
                done = call("record-reference.sh", "--out", os.path.join(folder, "out"), workload, **given)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(f"{workload}: {lacks} is not set", done.stderr)
                self.assertFalse(os.path.exists(os.path.join(folder, "out")))


if __name__ == "__main__":
    unittest.main()
