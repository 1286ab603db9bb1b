#!/usr/bin/env python3
"""Checkpoints as their users have them, written by the real packages and read by our program.

    python3 tests/peers/checkpoints.py --program build/bin/serve-network [--large] [--only WORD] [--out FILE.json]

Each file either loads, and the scores are those of the package's own network with the same weights (to 1e-5 of the largest), or is
refused with a message that names what it is and the remedy. Files that run code when Python reads them are first shown to do so, and
then must not do so in ours.

Needs torch and torchvision; cases of safetensors, timm, transformers and huggingface_hub are left out aloud where these are absent.
`--large` adds a file of more than 4 GiB. Exit code 1 where a case is not as it should be. Nothing of this is needed to build or test
alert-bench.
"""
import argparse
import collections
import copy
import datetime
import functools
import io
import json
import os
import pathlib
import pickle
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

import support

PACKAGES = ("torch", "torchvision", "numpy", "safetensors", "timm", "transformers", "huggingface_hub")
SMALL = {"width": 0.25, "input_size": 32, "classes": 10}  # mobilenet-v2: batch norms, and small enough for hundreds of files
SMALL_BERT = {"vocabulary": 1000, "hidden": 64, "layers": 2, "heads": 2, "intermediate": 128, "positions": 64}
CASES = []


class Case:
    """`write(folder)` writes a file and returns its path. `words`: regular expressions that the message of a refusal contains; none
    where the file loads. `network`: what it is loaded into. `reference`: from the network to what the scores must equal."""

    def __init__(self, name, write, words=(), network="mobilenet-v2", reference=None, hostile=False, packages=()):
        self.name, self.write, self.words, self.network = name, write, words, network
        self.reference, self.hostile, self.packages = reference or (lambda n: n), hostile, packages


def loads(name, **more):
    def register(write):
        CASES.append(Case(name, write, **more))
        return write
    return register


def refused(name, *words, **more):
    return loads(name, words=words, **more)


@functools.cache
def network(name):
    """The package's network with random weights, for the tests to copy."""
    import torch
    torch.manual_seed(1)
    if name == "bert":
        from transformers import BertConfig, BertForQuestionAnswering
        b = SMALL_BERT
        made = BertForQuestionAnswering(BertConfig(
            vocab_size=b["vocabulary"], hidden_size=b["hidden"], num_hidden_layers=b["layers"], num_attention_heads=b["heads"],
            intermediate_size=b["intermediate"], max_position_embeddings=b["positions"]))
        return made.eval()
    if name.startswith("timm "):
        support.import_torchvision()
        import timm
        return support.draw_norms(timm.create_model(name.split()[1], pretrained=False, num_classes=10))
    made = support.import_torchvision().models.mobilenet_v2(num_classes=10, width_mult=SMALL["width"])
    return support.draw_norms(made)


def fresh(name="mobilenet-v2"):
    return copy.deepcopy(network(name))


def state():
    return fresh().state_dict()


def saved(value, folder, name="weights.pt", **more):
    import torch
    path = pathlib.Path(folder) / name
    torch.save(value, path, **more)
    return path


# --- formats of torch.save

for protocol in (1, 2, 3, 4, 5):
    for zipped in (True, False):
        form = "zip" if zipped else "format before 1.6"

        @loads(f"torch.save, {form}, pickle protocol {protocol}")
        def _(folder, protocol=protocol, zipped=zipped):
            return saved(state(), folder, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)

        @loads(f"checkpoint of a training script, {form}, pickle protocol {protocol}")
        def _(folder, protocol=protocol, zipped=zipped):
            return saved(training_checkpoint(), folder, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)


@refused("torch.save, zip, pickle protocol 0, which PyTorch cannot read either", "protocol 0", r"pickle_protocol=2")
def _(folder):
    return saved(state(), folder, pickle_protocol=0)


for kind in ("float64", "float16", "bfloat16"):
    for zipped in (True, False):
        @loads(f"{kind}, {'zip' if zipped else 'format before 1.6'}", reference=lambda n, kind=kind: cast(n, kind))
        def _(folder, kind=kind, zipped=zipped):
            return saved(cast(fresh(), kind, back=False).state_dict(), folder, _use_new_zipfile_serialization=zipped)


def cast(made, kind, back=True):
    import torch
    made = copy.deepcopy(made).to(getattr(torch, kind))
    return made.float() if back else made


@loads("half of the network in float16", reference=lambda n: half_cast(n))
def _(folder):
    return saved(half_cast(fresh(), back=False).state_dict(), folder)


def half_cast(made, back=True):
    made = copy.deepcopy(made)
    made.features.half()
    return made.float() if back else made


@loads("without checksums (torch.serialization.set_crc32_options)")
def _(folder):
    import torch
    torch.serialization.set_crc32_options(False)
    try:
        return saved(state(), folder)
    finally:
        torch.serialization.set_crc32_options(True)


@loads("storages aligned to pages")
def _(folder):
    from torch.utils.serialization import config
    before = config.save.storage_alignment
    config.save.storage_alignment = 4096
    try:
        return saved(state(), folder)
    finally:
        config.save.storage_alignment = before


@loads("written to a stream, so that the archive has another name")
def _(folder):
    import torch
    stream = io.BytesIO()
    torch.save(state(), stream)
    path = pathlib.Path(folder) / "weights.ckpt"
    path.write_bytes(stream.getvalue())
    return path


def repacked(source, target, **options):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **options) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    return target


@loads("ZIP64 records everywhere (Python's zipfile)")
def _(folder):
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 10
    try:
        return repacked(saved(state(), folder), pathlib.Path(folder) / "wide.pt")
    finally:
        zipfile.ZIP64_LIMIT = limit


def large(folder):
    """More than 4 GiB: the weights behind an optimizer's state that is a sparse file."""
    import torch
    size = (4 << 30) + (1 << 20)
    zeros = pathlib.Path(folder) / "zeros"
    with open(zeros, "wb") as f:
        f.truncate(size)
    storage = torch.UntypedStorage.from_file(str(zeros), False, size)
    big = torch.empty(0, dtype=torch.float32).set_(storage, 0, (size // 4,))
    path = saved(collections.OrderedDict([("optimizer", {"moments": big}), ("state_dict", state())]), folder)
    zeros.unlink()
    return path


@refused("repacked with compression", "compressed", "torch.save")
def _(folder):
    return repacked(saved(state(), folder), pathlib.Path(folder) / "packed.pt", compression=zipfile.ZIP_DEFLATED)


# --- how tensors lie in their storages

@loads("tensors that are parts of one large storage")
def _(folder):
    import torch
    tensors = state()
    floats = {k: v for k, v in tensors.items() if v.is_floating_point()}
    whole = torch.cat([torch.full((7,), 9.0)] + [v.reshape(-1) for v in floats.values()])
    begin = 7
    for k, v in floats.items():
        tensors[k] = whole[begin:begin + v.numel()].view(v.shape)
        begin += v.numel()
    return saved(tensors, folder)


@loads("the same, format before 1.6")
def _(folder):
    import torch
    tensors = state()
    for k, v in tensors.items():
        if v.dim() == 4:
            tensors[k] = torch.cat([torch.zeros(5), v.reshape(-1)])[5:].view(v.shape)
    return saved(tensors, folder, _use_new_zipfile_serialization=False)


@loads("channels last")
def _(folder):
    import torch
    return saved(fresh().to(memory_format=torch.channels_last).state_dict(), folder)


@loads("transposed, every second number, and backwards by index")
def _(folder):
    import torch
    tensors = state()
    for k, v in tensors.items():
        if v.dim() == 2:
            tensors[k] = v.t().contiguous().t()
        if v.dim() == 1:
            tensors[k] = torch.stack([v, v + 1], 1)[:, 0]
    return saved(tensors, folder)


@loads("one number for a whole tensor (stride 0), and one storage for two tensors", reference=lambda n: tied(n))
def _(folder):
    import torch
    tensors = state()
    tensors["features.0.1.bias"] = torch.tensor(0.25).expand(tensors["features.0.1.bias"].shape)
    tensors["features.1.conv.0.1.bias"] = tensors["features.1.conv.0.1.weight"]
    return saved(tensors, folder)


def tied(made):
    import torch
    made = copy.deepcopy(made)
    tensors = made.state_dict()
    torch.nn.init.constant_(tensors["features.0.1.bias"], 0.25)
    tensors["features.1.conv.0.1.bias"].copy_(tensors["features.1.conv.0.1.weight"])
    return made


# --- what stands around the tensors

@loads("parameters (torch.nn.Parameter) in a plain dictionary")
def _(folder):
    import torch
    return saved({k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in state().items()}, folder)


@loads("state dictionary with keep_vars, gradients and hooks")
def _(folder):
    import torch
    made = fresh().train()
    made(torch.randn(2, 3, 32, 32)).sum().backward()
    made.load_state_dict(state())
    return saved(made.state_dict(keep_vars=True), folder)


@loads("tensors and parameters with attributes of their own")
def _(folder):
    import torch
    tensors = state()
    for i, (k, v) in enumerate(tensors.items()):
        if v.is_floating_point() and i % 2:
            tensors[k] = torch.nn.Parameter(v)
        tensors[k].tag = {"decay": False}
    return saved(tensors, folder)


@loads("without the counts of batches")
def _(folder):
    return saved({k: v for k, v in state().items() if not k.endswith("num_batches_tracked")}, folder)


for prefix in ("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "net.backbone.", "module.model."):
    @loads(f"names that begin with {prefix}")
    def _(folder, prefix=prefix):
        return saved({prefix + k: v for k, v in state().items()}, folder)


@loads("DataParallel around torch.compile")
def _(folder):
    import torch
    return saved(torch.nn.DataParallel(torch.compile(fresh())).state_dict(), folder)


@loads("averaged weights (torch.optim.swa_utils.AveragedModel)")
def _(folder):
    from torch.optim.swa_utils import AveragedModel
    return saved(AveragedModel(fresh()).state_dict(), folder)


@loads("names with the wrappers of FSDP and activation checkpointing")
def _(folder):
    names = {k.replace("features.3.", "features.3._checkpoint_wrapped_module."): v for k, v in state().items()}
    return saved({f"_fsdp_wrapped_module.{k}": v for k, v in names.items()}, folder)


for key in ("state_dict", "model", "model_state_dict", "net", "network", "weights", "params"):
    @loads(f"nested under \"{key}\"")
    def _(folder, key=key):
        return saved({"epoch": 3, key: state()}, folder)


@loads("nested under \"model\", \"state_dict\", with module.")
def _(folder):
    return saved({"model": {"state_dict": {f"module.{k}": v for k, v in state().items()}, "version": 2}, "note": "x"}, folder)


def training_checkpoint():
    """With all that scripts put beside the weights."""
    import numpy
    import torch
    made = torch.nn.DataParallel(fresh().train())
    optimizer = torch.optim.AdamW(made.parameters(), 1e-3)
    made(torch.randn(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    made.module.load_state_dict(state())
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100)
    return {"epoch": 90, "arch": "mobilenet_v2", "best": torch.tensor(71.9), "acc": numpy.float64(71.9), "done": False, "none": None,
            "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "steps": 10**12, "huge": 10**30, "minus": -3,
            "args": argparse.Namespace(lr=0.1, out=pathlib.Path("/tmp/x"), sizes=[1, 2], device=torch.device("cpu")),
            "state_dict": made.state_dict(), "state_dict_ema": {k: v * 2 for k, v in made.state_dict().items()},
            "rng": (torch.get_rng_state(), numpy.random.get_state(), random.getstate()), "classes": {"a", "b"},
            "frozen": frozenset({1}), "dtype": torch.float16, "size": torch.Size([1, 2]), "table": numpy.arange(12).reshape(3, 4),
            "when": datetime.datetime(2024, 1, 1), "bytes": b"\x00\xff", "array": bytearray(b"xyz"), "complex": 1 + 2j,
            "text": "naïve \U0001F600", "history": collections.defaultdict(list, loss=[0.1, float("inf")]),
            "counter": collections.Counter("aab"), "tuple": (1, (2, (3, ()))), "slice": slice(1, 2), "metric": torch.nn.CrossEntropyLoss()}


@loads("torchvision's reference training")
def _(folder):
    import torch
    made = fresh()
    optimizer = torch.optim.SGD(made.parameters(), 0.1, momentum=0.9)
    return saved({"model": made.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1, "args": argparse.Namespace(lr=1),
                  "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 30).state_dict(),
                  "model_ema": {f"module.{k}": v * 2 for k, v in state().items()}}, folder)


@loads("Lightning's checkpoint, with another module's weights beside")
def _(folder):
    import torch
    return saved({"epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.4.0", "loops": {"fit_loop": {"state_dict": {}}},
                  "state_dict": {**{f"model.{k}": v for k, v in state().items()}, "loss.weight": torch.ones(10)},
                  "callbacks": {}, "optimizer_states": [], "lr_schedulers": [], "hyper_parameters": {"lr": 0.1}}, folder)


@loads("timm's CheckpointSaver", packages=("timm",))
def _(folder):
    support.import_torchvision()
    import timm.utils
    import torch
    made = fresh()
    saver = timm.utils.CheckpointSaver(made, torch.optim.SGD(made.parameters(), 0.1, momentum=0.9), checkpoint_dir=str(folder),
                                       args=argparse.Namespace(model="mobilenet_v2"))
    saver.save_checkpoint(3, 0.7)
    return pathlib.Path(folder) / "last.pth.tar"


# --- timm and transformers

for model in ("resnet18", "resnet50"):
    @loads(f"timm's {model}", network=f"timm {model}", packages=("timm",))
    def _(folder, model=model):
        return saved(fresh(f"timm {model}").state_dict(), folder)


@refused("timm's mobilenetv2_100, whose names are its own", r"missing: features\.0\.0\.weight", "unknown: conv_stem.weight",
         "torchvision", packages=("timm",))
def _(folder):
    return saved(fresh("timm mobilenetv2_100").state_dict(), folder)


@loads("transformers' save_pretrained", network="bert", packages=("transformers", "safetensors"))
def _(folder):
    fresh("bert").save_pretrained(folder)
    return pathlib.Path(folder) / "model.safetensors"


@loads("transformers' save_pretrained in several files", network="bert", packages=("transformers", "safetensors"))
def _(folder):
    fresh("bert").save_pretrained(folder, max_shard_size="100KB")
    assert len(list(pathlib.Path(folder).glob("model-*.safetensors"))) > 1
    return pathlib.Path(folder) / "model.safetensors.index.json"


@loads("BERT by torch.save, with DataParallel and a pooler", network="bert", packages=("transformers",))
def _(folder):
    import torch
    tensors = {f"module.{k}": v for k, v in fresh("bert").state_dict().items()}
    tensors["module.bert.pooler.dense.weight"] = torch.ones(64, 64)
    tensors["module.bert.embeddings.position_ids"] = torch.arange(64)[None]
    return saved({"model": tensors}, folder)


@refused("an encoder without the head for questions", r"missing: .*qa_outputs\.(bias|weight)", "BertForQuestionAnswering", network="bert",
         packages=("transformers", "safetensors"))
def _(folder):
    fresh("bert").bert.save_pretrained(folder)
    return pathlib.Path(folder) / "model.safetensors"


@refused("a folder of transformers", "is a folder", r"model\.safetensors", network="bert", packages=("transformers", "safetensors"))
def _(folder):
    target = pathlib.Path(folder) / "bert"
    fresh("bert").save_pretrained(target)
    return target


# --- safetensors, and files in parts

@loads("safetensors", packages=("safetensors",))
def _(folder):
    from safetensors.torch import save_file
    path = pathlib.Path(folder) / "model.safetensors"
    save_file(state(), path)
    return path


@loads("safetensors with __metadata__, under another name", packages=("safetensors",))
def _(folder):
    from safetensors.torch import save_file
    path = pathlib.Path(folder) / "weights.bin"
    save_file(state(), path, metadata={"format": "pt", "note": 'a "quoted" \u4e2d text'})
    return path


@loads("safetensors' save_model", packages=("safetensors",))
def _(folder):
    from safetensors.torch import save_model
    path = pathlib.Path(folder) / "model.safetensors"
    save_model(fresh(), str(path))
    return path


for kind in ("float16", "bfloat16"):
    @loads(f"safetensors, {kind}, with module.", packages=("safetensors",), reference=lambda n, kind=kind: cast(n, kind))
    def _(folder, kind=kind):
        from safetensors.torch import save_file
        path = pathlib.Path(folder) / "model.safetensors"
        save_file({f"module.{k}": v for k, v in cast(fresh(), kind, back=False).state_dict().items()}, path)
        return path


for safe in (True, False):
    @loads(f"several files by huggingface_hub, {'safetensors' if safe else 'torch.save'}", packages=("huggingface_hub", "safetensors"))
    def _(folder, safe=safe):
        from huggingface_hub import save_torch_state_dict
        save_torch_state_dict(state(), folder, max_shard_size="100KB", safe_serialization=safe)
        return pathlib.Path(folder) / ("model.safetensors.index.json" if safe else "pytorch_model.bin.index.json")


@refused("several files, of which one is missing", r"00002-of-", packages=("huggingface_hub", "safetensors"))
def _(folder):
    from huggingface_hub import save_torch_state_dict
    save_torch_state_dict(state(), folder, max_shard_size="100KB")
    next(pathlib.Path(folder).glob("*-00002-of-*")).unlink()
    return pathlib.Path(folder) / "model.safetensors.index.json"


@refused("safetensors, float8", "F8_E4M3", "only F64, F32, F16 and BF16", packages=("safetensors",))
def _(folder):
    import torch
    from safetensors.torch import save_file
    path = pathlib.Path(folder) / "model.safetensors"
    save_file({k: v.to(torch.float8_e4m3fn) if v.is_floating_point() else v for k, v in state().items()}, path)
    return path


# --- what is no state dictionary

@refused("a pickled model", r"torchvision\.models\.mobilenetv2\.MobileNetV2", r"model\.state_dict\(\)")
def _(folder):
    return saved(fresh(), folder)


@refused("a pickled model, format before 1.6", r"torchvision\.models\.mobilenetv2\.MobileNetV2", r"model\.state_dict\(\)")
def _(folder):
    return saved(fresh(), folder, _use_new_zipfile_serialization=False)


@refused("a checkpoint with the model as an object", r"MobileNetV2", r"model\.state_dict\(\)")
def _(folder):
    return saved({"epoch": 1, "model": fresh()}, folder)


@refused("TorchScript", "TorchScript", "\"architecture\": \"torchscript\"")
def _(folder):
    import torch
    path = pathlib.Path(folder) / "model.pt"
    torch.jit.script(fresh()).save(path)
    return path


@refused("torch.export", "torch.export", r"model\.state_dict\(\)")
def _(folder):
    import torch
    path = pathlib.Path(folder) / "model.pt2"
    torch.export.save(torch.export.export(fresh(), (torch.randn(1, 3, 32, 32),)), path)
    return path


@refused("a list of tensors", "plain dictionary of tensors", r"model\.state_dict\(\)")
def _(folder):
    return saved(list(state().values()), folder)


@refused("an optimizer's state alone", "not a tensor|not a string", r"model\.state_dict\(\)")
def _(folder):
    return saved({"optimizer": {"param_groups": [], "state": {}}, "epoch": 2}, folder)


@refused("numbers in NumPy's arrays", "numpy", r"model\.state_dict\(\)")
def _(folder):
    return saved({k: v.numpy() for k, v in state().items()}, folder)


@refused("a plain pickle of NumPy's arrays", "pickle", "torch.save")
def _(folder):
    path = pathlib.Path(folder) / "weights.pkl"
    path.write_bytes(pickle.dumps({k: v.numpy() for k, v in state().items()}))
    return path


@refused("numpy.savez", "NumPy", "torch.save|safetensors")
def _(folder):
    import numpy
    path = pathlib.Path(folder) / "weights.npz"
    numpy.savez(path, **{k: v.numpy() for k, v in state().items()})
    return path


for name, start, words in (("HDF5 (Keras)", b"\x89HDF\r\n\x1a\n", "HDF5"), ("GGUF", b"GGUF\x03\0\0\0", "GGUF"),
                           ("gzip", b"\x1f\x8b\x08\0", "gunzip"), ("xz", b"\xfd7zXZ\0", "unxz"), ("zstd", b"\x28\xb5\x2f\xfd", "unzstd"),
                           ("a page of a download that failed", b"<!DOCTYPE html><html>", "web page"),
                           ("ONNX", b"\x08\x08\x12\x07pytorch\x1a\x052.4.0:\xd2\x01", "ONNX"),
                           ("tar", b"sys_info" + bytes(249) + b"ustar\x0000", "tar")):
    @refused(f"the beginning of {name}", words, "state_dict|download|gunzip|unxz|unzstd|torch.save")
    def _(folder, start=start):
        path = pathlib.Path(folder) / "weights.bin"
        path.write_bytes(start + bytes(4000))
        return path


@refused("quantised tensors", "_rebuild_qtensor", "not a tensor")
def _(folder):
    import torch
    return saved({k: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8) if v.dim() == 4 else v for k, v in state().items()}, folder)


@refused("sparse tensors", "_rebuild_sparse_tensor", "not a tensor")
def _(folder):
    return saved({k: v.to_sparse() if v.dim() == 2 else v for k, v in state().items()}, folder)


@refused("complex numbers", "ComplexFloatStorage", "only float64, float32, float16 and bfloat16")
def _(folder):
    import torch
    return saved({k: v.to(torch.complex64) if v.is_floating_point() else v for k, v in state().items()}, folder)


@refused("float8", "float8", "only float64, float32, float16 and bfloat16|_rebuild_tensor_v3")
def _(folder):
    import torch
    return saved({k: v.to(torch.float8_e4m3fn) if v.is_floating_point() else v for k, v in state().items()}, folder)


@refused("a tensor whose sign is in its flags", "negative|conjugate|neg", r"resolve_neg\(\)")
def _(folder):
    import torch
    tensors = state()
    weight = tensors["classifier.1.weight"]
    tensors["classifier.1.weight"] = torch.complex(weight, -weight).conj().imag
    assert tensors["classifier.1.weight"].is_neg()
    return saved(tensors, folder)


@refused("tensors without data (device meta)", "meta", "not a tensor")
def _(folder):
    return saved(fresh().to("meta").state_dict(), folder)


@refused("whole numbers in place of weights", "whole numbers", r"classifier\.1\.weight")
def _(folder):
    return saved({k: v.int() if k == "classifier.1.weight" else v for k, v in state().items()}, folder)


# --- weights that do not fit, or are no numbers

def changed(name, change):
    tensors = state()
    tensors[name] = change(tensors[name])
    return tensors


@refused("1000 classes in place of 10", r"classifier\.1\.weight: shape \[1000, 1280\], expected \[10, 1280\]", "\"classes\"")
def _(folder):
    import torch
    tensors = changed("classifier.1.weight", lambda v: torch.zeros(1000, v.shape[1]))
    return saved({**tensors, "classifier.1.bias": torch.zeros(1000)}, folder)


@refused("NaN", r"classifier\.1\.bias: contains NaN or infinity")
def _(folder):
    return saved(changed("classifier.1.bias", lambda v: v.clone().index_fill_(0, v.new_tensor([3]).long(), float("nan"))), folder)


@refused("infinity in float16", r"classifier\.1\.bias: contains NaN or infinity")
def _(folder):
    return saved(changed("classifier.1.bias", lambda v: (v * 0 + 1e6).half()), folder)


@refused("a tensor missing, another too many", r"missing: classifier\.1\.bias", r"unknown: classifier\.2\.bias")
def _(folder):
    tensors = state()
    tensors["classifier.2.bias"] = tensors.pop("classifier.1.bias")
    return saved(tensors, folder)


# --- damage

FORMS = {"zip": lambda folder: saved(state(), folder), "format before 1.6":
         lambda folder: saved(state(), folder, _use_new_zipfile_serialization=False)}


def safetensors_file(folder):
    from safetensors.torch import save_file
    path = pathlib.Path(folder) / "model.safetensors"
    save_file(state(), path)
    return path


for form, write in {**FORMS, "safetensors": safetensors_file}.items():
    for part in (0.0, 0.001, 0.3, 0.999, 1.0):
        @refused(f"truncated at {part:.1%}, {form}", r"weights\.pt: |model\.safetensors: ", "truncated|too early|damaged|does not fit|is empty",
                 packages=("safetensors",) if form == "safetensors" else ())
        def _(folder, write=write, part=part):
            path = write(folder)
            data = path.read_bytes()
            path.write_bytes(data[:min(int(len(data) * part), len(data) - 1)])
            return path


@refused("a bit of a zip archive flipped", "wrong checksum", "damaged")
def _(folder):
    path = saved(state(), folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path


@refused("safetensors whose header claims 2^60 bytes", "header|truncated")
def _(folder):
    path = pathlib.Path(folder) / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}" + bytes(100))
    return path


# --- files that run code when Python reads them

class Calls:
    """Unpickled as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Built:
    """Unpickled as a call whose state is set by another."""

    def __init__(self, inner):
        self.inner = inner

    def __reduce__(self):
        return collections.OrderedDict, (), {"attribute": self.inner}


def hostile_values(folder):
    import torch
    canary = pathlib.Path(folder) / "canary"
    shell = f"touch '{canary}'"
    hub = pathlib.Path(folder) / "hub"
    hub.mkdir()
    (hub / "hubconf.py").write_text(f"def entry():\n    open({str(canary)!r}, 'w').close()\n")
    return {"os.system": Calls(os.system, shell),
            "builtins.eval": Calls(eval, f"open({str(canary)!r}, 'w').close()"),
            "builtins.exec": Calls(exec, f"open({str(canary)!r}, 'w').close()"),
            "subprocess.Popen": Calls(subprocess.Popen, ["touch", str(canary)]),
            "torch.hub": Calls(torch.hub._load_local, str(hub), "entry")}


for what in ("os.system", "builtins.eval", "builtins.exec", "subprocess.Popen", "torch.hub"):
    said = "would call " + {"os.system": r"posix\.system", "torch.hub": r"torch\.hub\._load_local", "subprocess.Popen":
                            r"(subprocess|commands)\.Popen"}.get(what, what.replace("builtins.", r"(builtins|__builtin__)\."))

    @refused(f"{what}: the whole file", said, hostile=True)
    def _(folder, what=what):
        return saved(hostile_values(folder)[what], folder)

    @refused(f"{what}: in place of a tensor", said, r"classifier\.1\.bias", hostile=True)
    def _(folder, what=what):
        return saved({**state(), "classifier.1.bias": hostile_values(folder)[what]}, folder, pickle_protocol=4)

    @refused(f"{what}: format before 1.6", said, hostile=True)
    def _(folder, what=what):
        return saved({"state_dict": hostile_values(folder)[what]}, folder, _use_new_zipfile_serialization=False)

    @refused(f"{what}: as an argument of a tensor", said, hostile=True)
    def _(folder, what=what):
        import torch
        call = hostile_values(folder)[what]
        return saved({"w": Calls(torch._utils._rebuild_tensor_v2, call, 0, (1,), (1,), False, collections.OrderedDict())}, folder)

    @loads(f"{what}: beside the weights, where it is passed over", hostile=True)
    def _(folder, what=what):
        return saved({"hook": hostile_values(folder)[what], "state_dict": state()}, folder)

    @loads(f"{what}: in the attributes of the dictionary, which are passed over", hostile=True)
    def _(folder, what=what):
        tensors = state()
        tensors._metadata = hostile_values(folder)[what]
        return saved(tensors, folder)


# --- running them

def input_of(case):
    import torch
    torch.manual_seed(2)
    if case.network == "bert":
        return (torch.randint(0, 1000, (1, 40)), (torch.arange(40) > 9).long()[None])
    return (torch.randn(1, 3, 64 if case.network.startswith("timm") else 32, 64 if case.network.startswith("timm") else 32),)


def entry_of(case, path):
    if case.network == "bert":
        return support.bert_network(SMALL_BERT, path)
    if case.network.startswith("timm"):
        return support.image_network({"timm resnet18": "resnet-18", "timm resnet50": "resnet-50"}[case.network],
                                     {"input_size": 64, "classes": 10}, path)
    return support.image_network(case.network, SMALL, path)


def wanted_scores(case):
    import torch
    with torch.inference_mode():
        answer = case.reference(network(case.network))(*input_of(case)) if case.network != "bert" else network("bert")(
            input_ids=input_of(case)[0], token_type_ids=input_of(case)[1])
    return (torch.cat([answer.start_logits, answer.end_logits], 1) if case.network == "bert" else answer).flatten().tolist()


def runs_in_python(path):
    """Whether reading the file as PyTorch did before it had weights_only leaves the canary behind."""
    code = "import sys, warnings; warnings.simplefilter('ignore'); import torch; torch.load(sys.argv[1], weights_only=False)"
    subprocess.run([sys.executable, "-c", code, path], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    canary = path.parent / "canary"
    ran = canary.exists()
    canary.unlink(missing_ok=True)
    return ran


def judge(case, program, folder):
    """What became of the case, for the table; `fault` where that is not as it should be."""
    path = case.write(folder)
    result = {"name": case.name, "bytes": path.stat().st_size if path.is_file() else None}
    if case.hostile and not runs_in_python(path):
        return {**result, "fault": "the file runs no code in Python, and so shows nothing"}
    try:
        scores, _ = support.run_ours(program, entry_of(case, path), input_of(case), folder)
        result.update(result="loads", difference=support.difference(scores, wanted_scores(case)) if not case.words else None)
        if case.words:
            result["fault"] = f"loads, but must be refused with {case.words}"
        elif not result["difference"] <= support.LARGEST_DIFFERENCE:
            result["fault"] = f"its scores differ by {result['difference']:.2g} of the largest"
    except support.Refused as e:
        message = str(e).replace(str(folder), "FOLDER")
        result.update(result="refused", message=message[:600])
        missing = [w for w in case.words if not re.search(w, message)]
        if not case.words or missing:
            result["fault"] = f"must {'load' if not case.words else 'say ' + ', '.join(missing)}"
    if (pathlib.Path(folder) / "canary").exists():
        result["fault"] = "its code ran"
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", required=True, help="our serve-network (built with the benchmarks)")
    parser.add_argument("--large", action="store_true", help="also a file of more than 4 GiB (10 GB of disk space for a while)")
    parser.add_argument("--only", default="", help="only cases with this in their name")
    parser.add_argument("--out", help="JSON file (default: standard output)")
    options = parser.parse_args()
    if support.skipped("checkpoints", "torch", "torchvision", "numpy"):
        return 77
    if options.large:
        CASES.append(Case("more than 4 GiB (torch.save)", large))
    else:
        print("checkpoints: more than 4 GiB: SKIPPED: add --large", file=sys.stderr)
    results = []
    for case in CASES:
        if options.only not in case.name or support.skipped(f"checkpoints: {case.name}", *case.packages):
            continue
        folder = tempfile.mkdtemp(prefix="checkpoint-")
        try:
            result = judge(case, options.program, folder)
        finally:
            shutil.rmtree(folder)
        results.append(result)
        fault = f": FAULT: {result['fault']}" if "fault" in result else ""
        print(f"checkpoints: {case.name}: {result.get('result')}{fault}", file=sys.stderr)
        if fault and "message" in result:
            print(f"  {result['message']}", file=sys.stderr)
    faults = sum("fault" in r for r in results)
    differences = [r["difference"] for r in results if r.get("difference") is not None]
    counts = {"cases": len(results), "loads": sum(r.get("result") == "loads" for r in results),
              "refused": sum(r.get("result") == "refused" for r in results), "faults": faults,
              "largest_difference": max(differences, default=None)}
    print(f"checkpoints: {json.dumps(counts)}", file=sys.stderr)
    support.write_results(options.out, {"versions": support.versions(*PACKAGES), "counts": counts, "cases": results})
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
