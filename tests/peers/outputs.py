#!/usr/bin/env python3
"""Our networks beside those of torchvision, timm and transformers: the same random weights, the same input, the same scores.

    python3 tests/peers/outputs.py --program build/bin/serve-network [--program ...] [--out FILE.json]

The file of weights is written by the package. A difference is the largest one between two scores of a network, as a part of its
largest absolute score; it must be at most 1e-5. Beside it stands how far the package's own scores are from those that it computes in
double precision: rounding alone makes as much. `--program` is a serve-network of ours (built with the benchmarks); given several
times, each of them takes part under the version of its LibTorch.

Needs torch, and torchvision, timm or transformers for their networks, which are left out aloud where absent. Exit code 1 where
something differs.
"""
import argparse
import copy
import pathlib
import sys
import tempfile

import support

# Ours, its config, the package and how it makes the network.
IMAGES = [
    ("resnet-18", {}, "torchvision", "resnet18", {}),
    ("resnet-50", {}, "torchvision", "resnet50", {}),
    ("vgg-16", {}, "torchvision", "vgg16", {}),
    ("vgg-16-bn", {}, "torchvision", "vgg16_bn", {}),
    ("mobilenet-v2", {}, "torchvision", "mobilenet_v2", {}),
    ("mobilenet-v2", {"width": 0.5, "input_size": 160, "classes": 37}, "torchvision", "mobilenet_v2", {"width_mult": 0.5, "num_classes": 37}),
    ("mobilenet-v2", {"width": 1.4, "input_size": 96}, "torchvision", "mobilenet_v2", {"width_mult": 1.4}),
    ("squeezenet-1.0", {}, "torchvision", "squeezenet1_0", {}),
    ("squeezenet-1.1", {"input_size": 227}, "torchvision", "squeezenet1_1", {}),
    ("resnet-34", {"input_size": 193}, "torchvision", "resnet34", {}),
    ("resnet-18", {"input_size": 160, "classes": 10}, "timm", "resnet18", {"num_classes": 10}),
    ("resnet-50", {}, "timm", "resnet50", {}),
]
BERTS = [  # hidden, layers, heads, intermediate, tokens of the windows
    (128, 2, 2, 512, (4, 17, 128, 384, 512)),
    (256, 4, 8, 1000, (31, 384)),
    (768, 12, 12, 3072, (16, 128, 384)),
]


def image_network(package, name, options):
    import torch
    torchvision = support.import_torchvision()
    torch.manual_seed(1)
    if package == "timm":
        import timm
        made = timm.create_model(name, pretrained=False, **options)
    else:
        made = getattr(torchvision.models, name)(weights=None, **options)
    for module in made.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                torch.nn.init.uniform_(module.bias, -0.1, 0.1)
    return support.draw_norms(made)


def bert(hidden, layers, heads, intermediate):
    import torch
    from transformers import BertConfig, BertForQuestionAnswering
    torch.manual_seed(1)
    made = BertForQuestionAnswering(BertConfig(hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                                               intermediate_size=intermediate)).eval()
    for name, p in made.named_parameters():  # all of them, so that one that is left out shows
        if p.dim() == 1:
            torch.nn.init.normal_(p, 1 if name.endswith("LayerNorm.weight") else 0, 0.1)
    return made


def compare(row, programs, entry, inputs, call, made, folder):
    """Adds to the row: how far each program's scores, and the package's own in double precision, are from the package's."""
    import torch
    with torch.inference_mode():
        theirs = call(made, inputs).flatten().tolist()
        exact = call(copy.deepcopy(made).double(), [t.double() if t.is_floating_point() else t for t in inputs]).flatten().tolist()
    row["package_to_double"] = support.difference(theirs, exact)
    row["ours"] = []
    for program in programs:
        scores, facts = support.run_ours(program, entry, inputs, folder)
        row["ours"].append({"libtorch": facts["libtorch"], "difference": support.difference(scores, theirs),
                            "to_double": support.difference(scores, exact)})
    said = ", ".join(f"{o['difference']:.1e} (LibTorch {o['libtorch']})" for o in row["ours"])
    print(f"outputs: {row['network']} {row['input']}, {row['package']}: {said}; the package's own rounding {row['package_to_double']:.1e}",
          file=sys.stderr)
    return row


def compare_images(programs, folder):
    import torch
    for ours, config, package, theirs, options in IMAGES:
        if support.skipped(f"outputs: {ours}, {package}", "torchvision", package):
            continue
        made, size = image_network(package, theirs, options), config.get("input_size", 224)
        path = pathlib.Path(folder) / "weights.pt"
        torch.save(made.state_dict(), path)
        row = {"network": ours + (f", width {config['width']}" if "width" in config else ""), "input": f"{size}x{size}", "package": package}
        yield compare(row, programs, support.image_network(ours, config, path), [torch.randn(1, 3, size, size)],
                      lambda net, inputs: net(*inputs), made, folder)


def compare_berts(programs, folder):
    import torch
    if support.skipped("outputs: bert", "transformers"):
        return

    def call(net, inputs):
        answer = net(input_ids=inputs[0], token_type_ids=inputs[1])
        return torch.cat([answer.start_logits, answer.end_logits], 1)

    for hidden, layers, heads, intermediate, windows in BERTS:
        made = bert(hidden, layers, heads, intermediate)
        made.save_pretrained(folder)
        entry = support.bert_network({"hidden": hidden, "layers": layers, "heads": heads, "intermediate": intermediate},
                                     pathlib.Path(folder) / "model.safetensors")
        for tokens in windows:
            inputs = [torch.randint(0, 30522, (1, tokens)), (torch.arange(tokens) > tokens // 8).long()[None]]
            row = {"network": f"bert, {layers} layers of {hidden}", "input": f"{tokens} tokens", "package": "transformers"}
            yield compare(row, programs, entry, inputs, call, made, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", action="append", required=True, help="a serve-network of ours; may be repeated")
    parser.add_argument("--out", help="JSON file (default: standard output)")
    options = parser.parse_args()
    if support.skipped("outputs", "torch"):
        return 77
    with tempfile.TemporaryDirectory() as folder:
        rows = [*compare_images(options.program, folder), *compare_berts(options.program, folder)]
    if not rows:
        return 77
    worst = max(o["difference"] for r in rows for o in r["ours"])
    print(f"outputs: {len(rows)} comparisons, largest difference {worst:.1e} of the largest score", file=sys.stderr)
    support.write_results(options.out, {"versions": support.versions("torch", "torchvision", "timm", "transformers", "safetensors"),
                                        "largest_difference": worst, "comparisons": rows})
    return 1 if worst > support.LARGEST_DIFFERENCE else 0


if __name__ == "__main__":
    sys.exit(main())
