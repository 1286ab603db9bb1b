"""What the scripts of this folder share: packages that may be absent, our program, and how answers are compared."""
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

LARGEST_DIFFERENCE = 1e-5  # of the largest score


def absent(*packages):
    return [p for p in packages if importlib.util.find_spec(p) is None]


def skipped(what, *packages):
    """True, and says so, where one of the packages is absent."""
    missing = absent(*packages)
    if missing:
        print(f"{what}: SKIPPED: needs the Python packages {', '.join(missing)}", file=sys.stderr)
    return bool(missing)


def versions(*packages):
    return {p: importlib.metadata.version(p) for p in packages if not absent(p)}


def import_torchvision():
    """torchvision, also where its compiled operators do not fit the installed PyTorch: none of its networks needs them, but its
    import does, unless they are declared."""
    import torch
    try:
        import torchvision
    except RuntimeError:
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        folder = pathlib.Path(importlib.util.find_spec("torchvision").origin).parent
        library = import_torchvision.library = torch.library.Library("torchvision", "DEF")  # as long as it lives
        for name in sorted(set(re.findall(r'register_fake\("torchvision::(\w+)"', (folder / "_meta_registrations.py").read_text()))):
            library.define(f"{name}(Tensor x) -> Tensor")
        import torchvision
    return torchvision


def draw_norms(network):
    """Statistics of batch norms that a training would leave: those of a new network would hide mistakes in folding them."""
    import torch
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.4, 0.8)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.8, 1.2)
            module.num_batches_tracked.fill_(1234)
    return network.eval()


class Refused(Exception):
    """Our program did not load the network; the text is its message."""


def image_network(name, config, weights):
    size = config.get("input_size", 224)
    return {"name": name, "architecture": "zoo", "config": {"network": name, **config}, "weights": str(weights),
            "input": {"channels": 3, "height": size, "width": size, "mean": [127, 127, 127], "scale": [0.0078125] * 3},
            "accuracy": {"top1": [0.5], "source": "assumed", "on": "random weights"}}


def bert_network(config, weights):
    return {"name": "bert", "architecture": "bert", "config": config, "weights": str(weights),
            "accuracy": {"f1": [0.5], "exact": [0.5], "source": "assumed", "on": "random weights"}}


def run_ours(program, network, inputs, folder):
    """Scores and facts of our serve-network with `network`, an entry of a network file, on tensors. Raises Refused where it ends
    with a message; a crash is a RuntimeError."""
    folder = pathlib.Path(folder)
    workload = "squad" if network["architecture"] == "bert" else "imagenet"
    (folder / "networks.json").write_text(json.dumps({"schema_version": "1.0", "workload": workload, "networks": [network]}))
    (folder / "input").write_bytes(b"".join(t.contiguous().numpy().tobytes() for t in inputs))
    ended = subprocess.run([program, folder / "networks.json", network["name"], folder / "input"], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if ended.returncode == 1:
        raise Refused(ended.stderr.strip())
    if ended.returncode:
        raise RuntimeError(f"{program} ended with status {ended.returncode}: {ended.stderr}")
    ready = json.loads(ended.stdout)
    return ready["scores"], ready["facts"]


def difference(ours, theirs):
    """The largest difference of two lists of scores, as a part of the second's largest absolute score."""
    if len(ours) != len(theirs):
        return float("inf")
    return max(abs(a - b) for a, b in zip(ours, theirs)) / max(abs(b) for b in theirs)


def write_results(path, results):
    text = json.dumps({"schema_version": "1.0", **results}, indent=1, ensure_ascii=True) + "\n"
    if path:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    else:
        print(text, end="")
