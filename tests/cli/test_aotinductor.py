#!/usr/bin/env python3
"""Networks from AOTInductor packages that PyTorch itself has compiled: they run, and what does not fit is refused before it does harm.

    python3 tests/cli/test_aotinductor.py --program build/bin/alert-bench --serve-network build/bin/serve-network

Run it with a Python that has torch of the same version as the build's LibTorch, such as the one from whose wheel it was built. Exit status 77
(skipped) where there is no torch, or the build's LibTorch cannot load packages.
"""
import argparse
import array
import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

OPTIONS = None
SIZE, CLASSES = 32, 1000


def compile_package(path, outputs=1):
    """A small network for one image; returns its scores for an image of ramps, which it writes to `path`.input."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Linear(8, CLASSES)

        def forward(self, x):
            scores = self.head(torch.relu(self.conv(x)).mean((2, 3)))
            return scores if outputs == 1 else (scores,) * outputs

    torch.manual_seed(1)
    torch.set_num_threads(1)
    network = Network().eval()
    image = torch.linspace(-1, 1, 3 * SIZE * SIZE).view(1, 3, SIZE, SIZE)
    with torch.no_grad():
        torch._inductor.aoti_compile_and_package(torch.export.export(network, (image,)), package_path=path)
        scores = network(image)
    with open(path + ".input", "wb") as f:
        array.array("f", image.flatten().tolist()).tofile(f)
    return (scores if outputs == 1 else scores[0]).flatten().tolist()


def changed(package, path, change):
    """A copy of the package with `change(name, content)` applied to its members."""
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return path


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="alert-bench-aotinductor-")
        cls.folder = cls.scratch.name
        cls.package = os.path.join(cls.folder, "network.pt2")
        cls.scores = compile_package(cls.package)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def networks(self, package, size=SIZE):
        path = os.path.join(self.folder, "networks.json")
        network = {"name": "fast", "architecture": "aotinductor", "weights": package,
                   "input": {"channels": 3, "height": size, "width": size, "mean": [124, 117, 104], "scale": [0.017, 0.017, 0.017]},
                   "accuracy": {"top1": [0.5], "source": "assumed", "on": "nothing"}}
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"schema_version": "1.0", "workload": "imagenet", "networks": [network]}, f)
        return path

    def validate(self, package, *options, size=SIZE, classes=CLASSES):
        return subprocess.run([OPTIONS.program, "validate", self.networks(package, size), "--load", "--classes", str(classes), *options],
                              capture_output=True, text=True)

    def refused(self, package, *parts, **facts):
        done = self.validate(package, "--allow-commands", **facts)
        self.assertEqual(done.returncode, 2, done.stderr)
        for part in ("network.pt2" if package == self.package else package, *parts):
            self.assertIn(part, done.stderr)

    def changed_metadata(self, name, **entries):
        def change(member, content):
            return json.dumps({**json.loads(content), **entries}) if member.endswith("_metadata.json") else content
        return changed(self.package, os.path.join(self.folder, name), change)

    def test_it_needs_a_permission(self):
        done = self.validate(self.package)
        self.assertEqual(done.returncode, 2)
        self.assertIn("network.pt2 is native code", done.stderr)
        self.assertIn("--allow-commands", done.stderr)

    def test_it_loads_without_a_warning_and_leaves_nothing_behind(self):
        before = set(os.listdir("/tmp"))
        done = self.validate(self.package, "--allow-commands")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("all load", done.stdout)
        left = [n for n in set(os.listdir("/tmp")) - before if os.path.exists(os.path.join("/tmp", n, "data", "aotinductor"))]
        self.assertEqual(left, [])

    def test_its_scores_are_those_of_pytorch(self):
        done = subprocess.run([OPTIONS.serve_network, self.networks(self.package), "fast", self.package + ".input"], input="", capture_output=True,
                              text=True, check=True)
        for ours, theirs in zip(json.loads(done.stdout)["scores"], self.scores, strict=True):
            self.assertAlmostEqual(ours, theirs, delta=1e-5)

    def test_an_image_of_another_size_is_refused(self):
        self.refused(self.package, 'network "fast": it does not accept a 1x3x16x16 float image', size=16)
        self.refused(self.package, "does not accept a 1x3x48x48", size=48)

    def test_another_number_of_classes_is_refused(self):
        self.refused(self.package, f"gives {CLASSES} scores, but the data has 20 classes", classes=20)

    def test_several_outputs_are_refused(self):
        twice = os.path.join(self.folder, "twice.pt2")
        compile_package(twice, outputs=2)
        self.refused(twice, "it returns 2 tensors")

    def test_another_machine_is_refused_before_anything_is_loaded(self):
        self.refused(self.changed_metadata("isa.pt2", AOTI_CPU_ISA="AVX2 AVX9000"), "AVX2 AVX9000", "lacks avx9000", "compile it again")
        self.refused(self.changed_metadata("arm.pt2", AOTI_MACHINE="riscv64"), "riscv64")
        self.refused(self.changed_metadata("cuda.pt2", AOTI_DEVICE_KEY="cuda"), "device cuda", "--set device=cuda")

    def test_a_library_that_is_none_is_refused(self):
        broken = changed(self.package, os.path.join(self.folder, "broken.pt2"), lambda n, c: b"no library" if n.endswith(".so") else c)
        self.refused(broken, "cannot be loaded by LibTorch")

    def test_a_torn_package_is_refused(self):
        torn = os.path.join(self.folder, "torn.pt2")
        with open(self.package, "rb") as whole, open(torn, "wb") as part:
            part.write(whole.read()[:-1000])
        self.refused(torn, "truncated")


def skip(why):
    print(f"test_aotinductor: SKIPPED: {why}")
    sys.exit(77)


def check_versions():
    try:
        import torch
    except ImportError:
        skip("this Python has no torch (pip install torch)")
    doctor = subprocess.run([OPTIONS.program, "doctor", "--json"], capture_output=True, text=True)
    libtorch = json.loads(doctor.stdout)["inference"]["libtorch"]
    if [int(n) for n in libtorch.split(".")[:2]] < [2, 6]:
        skip(f"LibTorch {libtorch} cannot load packages (from 2.6)")
    if libtorch.split("+")[0] != torch.__version__.split("+")[0]:
        skip(f"torch {torch.__version__} is not the build's LibTorch {libtorch}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=os.path.abspath, required=True)
    parser.add_argument("--serve-network", type=os.path.abspath, required=True)
    OPTIONS, rest = parser.parse_known_args()
    check_versions()
    unittest.main(argv=[sys.argv[0], *rest])
