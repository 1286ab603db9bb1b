#!/usr/bin/env python3
"""Our latency beside that of other ways to run the same networks: PyTorch, TorchScript, torch.compile, AOTInductor, ONNX Runtime.

    python3 tests/peers/latency.py --program build/bin/serve-network [--program ...] [--out FILE.json]

Every contender runs the same weights on the same input in a process of its own, on one thread, all on one processor. They take turns:
each round visits them all, in rotated order, for a few executions each, so that noise of the machine meets them alike. A contender's ratio to
another is the median over rounds of the ratio of their medians. Answers that differ from PyTorch's by more than rounding are an error.

Needs the Python packages torch, numpy, onnx, onnxscript and onnxruntime, transformers for bert, and timm and torchvision for EfficientNet-Lite and the
NASNets (after networks.py's change of one pool); a contender whose packages are absent is
left out aloud. `--program` is a serve-network of ours (built with the benchmarks); given several times, each of them takes part under
the version of its LibTorch. Nothing of this is needed to build or test alert-bench.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import support
from support import absent

import networks

SEED = 1
LARGEST_DIFFERENCE = 2e-3  # of the largest score
WANTED_TURN_S, LEAST_RUNS, MOST_RUNS = 0.25, 2, 30
TIMM = {**{f"efficientnet-lite{i}": f"tf_efficientnet_lite{i}" for i in range(5)}, "nasnet-a-large": "nasnetalarge", "pnasnet-5-large": "pnasnet5large"}
NETWORKS = ("resnet-50", "mobilenet-v2", "bert-base-128", "bert-base-384", *TIMM)


# --- the networks, with the names of weights that networks/imagenet-zoo.json and networks/squad.json expect

def resnet_50():
    import torch
    from torch import nn

    class Bottleneck(nn.Module):
        def __init__(self, channels, width, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
            self.downsample = None
            if stride != 1 or channels != 4 * width:
                self.downsample = nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

        def forward(self, x):
            y = torch.relu(self.bn1(self.conv1(x)))
            y = torch.relu(self.bn2(self.conv2(y)))
            return torch.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            channels = 64
            for group, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 1):
                layers = []
                for block in range(blocks):
                    layers.append(Bottleneck(channels, width, 2 if group > 1 and block == 0 else 1))
                    channels = 4 * width
                setattr(self, f"layer{group}", nn.Sequential(*layers))
            self.fc = nn.Linear(channels, 1000)

        def forward(self, x):
            x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(x.mean((2, 3)))

    return ResNet()


def mobilenet_v2():
    from torch import nn

    def unit(channels, out, kernel, stride=1, groups=1):
        return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out), nn.ReLU6())

    class InvertedResidual(nn.Module):
        def __init__(self, channels, expansion, out, stride):
            super().__init__()
            hidden = channels * expansion
            layers = [unit(channels, hidden, 1)] if expansion != 1 else []
            layers += [unit(hidden, hidden, 3, stride, hidden), nn.Conv2d(hidden, out, 1, bias=False), nn.BatchNorm2d(out)]
            self.conv, self.adds = nn.Sequential(*layers), stride == 1 and channels == out

        def forward(self, x):
            return x + self.conv(x) if self.adds else self.conv(x)

    class MobileNetV2(nn.Module):
        def __init__(self):
            super().__init__()
            features, channels = [unit(3, 32, 3, 2)], 32
            for expansion, out, blocks, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                                   (6, 320, 1, 1)):
                for block in range(blocks):
                    features.append(InvertedResidual(channels, expansion, out, stride if block == 0 else 1))
                    channels = out
            features.append(unit(channels, 1280, 1))
            self.features = nn.Sequential(*features)
            self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

        def forward(self, x):
            return self.classifier(self.features(x).mean((2, 3)))

    return MobileNetV2()


def bert_base():
    import torch
    from transformers import BertConfig, BertForQuestionAnswering

    class Answers(torch.nn.Module):
        """Plain tensors in and out, as the exporters want them."""

        def __init__(self):
            super().__init__()
            self.bert = BertForQuestionAnswering(BertConfig())

        def forward(self, ids, types):
            answer = self.bert(input_ids=ids, token_type_ids=types)
            return torch.cat([answer.start_logits, answer.end_logits], 1)

    return Answers()


def size_of(name):
    return 331 if "nasnet" in name else networks.LITE_SIZES[int(name[-1])] if name in TIMM else 224


def make_network(name):
    """The network with weights of SEED, ready for inference, and its inputs."""
    import torch
    torch.manual_seed(SEED)
    if name.startswith("bert"):
        network, tokens = bert_base(), int(name.rsplit("-", 1)[1])
        ids = torch.randint(1000, 30000, (1, tokens))
        return network.eval(), (ids, (torch.arange(tokens) > tokens // 8).long()[None])
    if name in TIMM:
        support.import_torchvision()  # which timm imports
        import timm
        inputs = (torch.randn(1, 3, size_of(name), size_of(name)),)
        return networks.enliven(networks.with_pools_as_ours(timm.create_model(TIMM[name])), *inputs), inputs
    network = resnet_50() if name == "resnet-50" else mobilenet_v2()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if isinstance(module, torch.nn.BatchNorm2d):  # so that folding them is work that can go wrong
            torch.nn.init.uniform_(module.weight, 0.4, 0.8)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.8, 1.2)
    return network.eval(), (torch.randn(1, 3, 224, 224),)


# --- what is made once: weights, input, and the files of those who compile in advance

def write_network_file(folder, name):
    entry = {"name": name, "weights": "weights.pt", "accuracy": {"source": "assumed", "on": "random weights"}}
    if name.startswith("bert"):
        entry.update(architecture="bert", config={})
        entry["accuracy"].update(f1=[0.5], exact=[0.5])
    else:
        entry.update(architecture="zoo", config={"network": name, "input_size": size_of(name)},
                     input={"channels": 3, "height": size_of(name), "width": size_of(name), "mean": [124, 117, 104], "scale": [0.017, 0.017, 0.017]})
        entry["accuracy"].update(top1=[0.5])
    with open(os.path.join(folder, "networks.json"), "w", encoding="utf-8") as f:
        json.dump({"schema_version": "1.0", "workload": "squad" if name.startswith("bert") else "imagenet", "networks": [entry]}, f)


def prepare(folder, name):
    import torch
    network, inputs = make_network(name)
    weights = network.bert.state_dict() if name.startswith("bert") else network.state_dict()
    if name.startswith("efficientnet"):
        weights = dict(zip(networks.lite_names(weights), weights.values()))
    torch.save(weights, os.path.join(folder, "weights.pt"))
    with open(os.path.join(folder, "input"), "wb") as f:
        for tensor in inputs:
            f.write(tensor.numpy().tobytes())
    write_network_file(folder, name)


def prepare_aotinductor(folder, name):
    import torch
    network, inputs = make_network(name)
    path = os.path.join(folder, "network.pt2")
    with torch.no_grad():  # without freezing: its rearranged weights do not fit every run, which then takes up to four times as long
        torch._inductor.aoti_compile_and_package(torch.export.export(network, inputs), package_path=path)


def prepare_onnx(folder, name):
    import torch
    network, inputs = make_network(name)
    path = os.path.join(folder, "network.onnx")
    with torch.no_grad():
        torch.onnx.export(network, inputs, path, dynamo=True, external_data=False)
    if name.startswith("bert"):  # the fusions that ONNX Runtime has for transformers
        from onnxruntime.transformers import optimizer
        optimizer.optimize_model(path, model_type="bert", num_heads=12, hidden_size=768, opt_level=1).save_model_to_file(path)


# --- contenders: each returns a function that runs the network once, and facts

def eager(_folder, name):
    import torch
    network, inputs = make_network(name)
    return lambda: network(*inputs), {"torch": torch.__version__}


def frozen(_folder, name):
    import torch
    network, inputs = make_network(name)
    with torch.no_grad():
        script = torch.jit.freeze(torch.jit.trace(network, inputs))
    return lambda: script(*inputs), {"torch": torch.__version__}


def compiled(_folder, name):
    import torch
    import torch._inductor.config as config
    config.freezing = True
    network, inputs = make_network(name)
    fast = torch.compile(network)
    return lambda: fast(*inputs), {"torch": torch.__version__}


def aotinductor(folder, name):
    import torch
    package = torch._inductor.aoti_load_package(os.path.join(folder, "network.pt2"))
    _, inputs = make_network(name)
    return lambda: package(*inputs), {"torch": torch.__version__}


def onnx_runtime(folder, name):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.path.join(folder, "network.onnx"), options, providers=["CPUExecutionProvider"])
    _, inputs = make_network(name)
    values = {i.name: t.numpy() for i, t in zip(session.get_inputs(), inputs)}
    return lambda: session.run(None, values)[0], {"onnxruntime": onnxruntime.__version__}


CONTENDERS = {  # name: function, packages, what it needs made in advance
    "eager": (eager, ["torch", "numpy"], None),
    "frozen TorchScript": (frozen, ["torch", "numpy"], None),
    "torch.compile": (compiled, ["torch", "numpy"], None),
    "AOTInductor": (aotinductor, ["torch", "numpy"], prepare_aotinductor),
    "ONNX Runtime": (onnx_runtime, ["torch", "numpy", "onnx", "onnxscript", "onnxruntime"], prepare_onnx),
}


def serve(contender, folder, name):
    """The same on standard input and output as serve_network.cpp."""
    import torch
    torch.set_num_threads(1)
    run, facts = CONTENDERS[contender][0](folder, name)
    with torch.inference_mode():
        for _ in range(3):  # TorchScript specialises itself in its first runs
            scores = run()
        scores = scores.flatten().tolist()
        print(json.dumps({"facts": facts, "scores": scores}), flush=True)
        for line in sys.stdin:
            taken_s = []
            for _ in range(int(line)):
                start = time.perf_counter()
                run()
                taken_s.append(time.perf_counter() - start)
            print(json.dumps(taken_s), flush=True)


# --- the measurement

class Server:
    def __init__(self, name, command, cpu):
        self.name = name
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
                                        preexec_fn=lambda: os.sched_setaffinity(0, [cpu]))
        self.ready = json.loads(self.answer())
        self.runs, self.medians_s, self.least_s = LEAST_RUNS, [], float("inf")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: ended with status {self.process.wait()}")
        return line

    def run(self, times):
        self.process.stdin.write(f"{times}\n")
        self.process.stdin.flush()
        return json.loads(self.answer())

    def warm_up(self):
        self.run(2)
        per_run_s = statistics.median(self.run(3))
        self.runs = max(LEAST_RUNS, min(MOST_RUNS, round(WANTED_TURN_S / per_run_s)))

    def take_turn(self):
        taken_s = self.run(1 + self.runs)[1:]  # the first finds the caches as another left them
        self.medians_s.append(statistics.median(taken_s))
        self.least_s = min(self.least_s, *taken_s)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def check_answers(servers):
    wanted = next(s for s in servers if s.name == "eager").ready["scores"]
    largest = max(abs(v) for v in wanted)
    for server in servers:
        scores = server.ready["scores"]
        difference = max(abs(a - b) for a, b in zip(scores, wanted)) / largest
        if len(scores) != len(wanted) or not difference < LARGEST_DIFFERENCE:
            raise RuntimeError(f"{server.name}: its answer differs from PyTorch's by {difference:.2g} of the largest score")


def ratio(server, other):
    return statistics.median(a / b for a, b in zip(server.medians_s, other.medians_s))


def measure(name, contenders, programs, folder, cpu, rounds):
    here = os.path.abspath(__file__)
    made = os.path.join(folder, name)
    os.makedirs(made, exist_ok=True)
    for step, done in [("prepare", "input")] + [(c, {"AOTInductor": "network.pt2", "ONNX Runtime": "network.onnx"}[c])
                                                for c in contenders if CONTENDERS[c][2]]:
        if not os.path.exists(os.path.join(made, done)):
            subprocess.run([sys.executable, here, "--prepare", step, made, name], check=True, stdout=subprocess.DEVNULL)
    servers = []
    try:
        for program in programs:
            server = Server(program, [program, os.path.join(made, "networks.json"), name, os.path.join(made, "input")], cpu)
            server.name = f"ours, LibTorch {server.ready['facts']['libtorch']}"
            servers.append(server)
        servers += [Server(c, [sys.executable, here, "--serve", c, made, name], cpu) for c in contenders]
        check_answers(servers)
        for server in servers:
            server.warm_up()
        for turn in range(rounds):
            first = turn % len(servers)
            for server in servers[first:] + servers[:first]:
                server.take_turn()
    finally:
        for server in servers:
            server.stop()
    peers = [s for s in servers if not s.name.startswith("ours")]
    best = min(peers, key=lambda s: statistics.median(s.medians_s))
    return {"network": name, "best_peer": best.name, "rounds": rounds,
            "contenders": [{"name": s.name, "facts": s.ready["facts"], "runs_per_round": s.runs,
                            "median_ms": round(1e3 * statistics.median(s.medians_s), 3), "least_ms": round(1e3 * s.least_s, 3),
                            "over_best_peer": round(ratio(s, best), 3)} for s in servers]}


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", action="append", default=[], help="a serve-network of ours; may be given several times")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="only these (default: all)")
    parser.add_argument("--contender", action="append", choices=CONTENDERS, help="only these beside ours (eager always)")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="the processor that all of them run on")
    parser.add_argument("--folder", help="keep what is compiled in advance here, and use it again")
    parser.add_argument("--out", help="JSON file to write (default: standard output)")
    options = parser.parse_args()
    contenders = []
    for name, (_, packages, _) in CONTENDERS.items():
        if options.contender and name not in ("eager", *options.contender):
            continue
        if missing := absent(*packages):
            print(f"latency: {name}: SKIPPED: needs the Python packages {', '.join(missing)}", file=sys.stderr)
        else:
            contenders.append(name)
    if "eager" not in contenders:
        print("latency: SKIPPED: nothing to compare with", file=sys.stderr)
        return 77
    results, text = [], ""
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.network or NETWORKS:
            if name.startswith("bert") and absent("transformers"):
                print(f"latency: {name}: SKIPPED: needs the Python package transformers", file=sys.stderr)
                continue
            if name in TIMM and absent("timm", "torchvision"):
                print(f"latency: {name}: SKIPPED: needs the Python packages timm and torchvision", file=sys.stderr)
                continue
            result = measure(name, contenders, options.program, options.folder or scratch, options.cpu, options.rounds)
            results.append(result)
            text = json.dumps({"schema_version": "1.0", "processor": processor(), "threads": 1, "load_average": os.getloadavg(), "results": results},
                              indent=1)
            if options.out:  # after each network, so that none is lost
                with open(options.out, "w", encoding="utf-8") as f:
                    f.write(text + "\n")
            print(f"\n{name:<28} median ms  least ms  over {result['best_peer']}", file=sys.stderr)
            for c in sorted(result["contenders"], key=lambda c: c["median_ms"]):
                print(f"{c['name']:<28} {c['median_ms']:9.2f} {c['least_ms']:9.2f}  {c['over_best_peer']:.2f}", file=sys.stderr)
    if not options.out:
        print(text)
    return 0


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    if len(sys.argv) == 5 and sys.argv[1] == "--prepare":
        {"prepare": prepare, "AOTInductor": prepare_aotinductor, "ONNX Runtime": prepare_onnx}[sys.argv[2]](*sys.argv[3:])
    elif len(sys.argv) == 5 and sys.argv[1] == "--serve":
        serve(*sys.argv[2:])
    else:
        sys.exit(main())
