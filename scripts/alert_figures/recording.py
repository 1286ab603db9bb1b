"""A recording: what every configuration did on every input."""

import os

import numpy as np

from .reading import Missing, broken, read_json

RECORDING_SCHEMA = "1.0"


class Recording:
    def __init__(self, folder, profile):
        self.folder, self.profile = folder, profile
        facts_path = os.path.join(folder, "recording.json")
        self.facts = read_json(facts_path, known=RECORDING_SCHEMA)
        self.stage_end_s = self._array("stage_end_s.npy", 3)
        inputs, rows, caps = self.stage_end_s.shape
        if rows != profile.rows or caps != len(profile.caps_w):
            raise broken(os.path.join(folder, "stage_end_s.npy"), "",
                         f"has {rows} rows and {caps} caps, the profile {profile.path} has {profile.rows} and {len(profile.caps_w)}",
                         "put the profile that the recording was made with next to it, as recording/profile.json")
        on = self._array("co_runner_on.npy", 1)
        if len(on) != inputs:
            raise broken(os.path.join(folder, "co_runner_on.npy"), "", f"has {len(on)} inputs, stage_end_s.npy has {inputs}",
                         "repeat 'alert-bench record'")
        self.co_runner_on = np.asarray(on) != 0

    def scenario(self):
        """The scenario that was recorded, as far as recording.json keeps it: an object, maybe empty."""
        info = self.facts.get("info") if isinstance(self.facts.get("info"), dict) else {}
        for found in (info.get("scenario"), self.facts.get("scenario")):
            if isinstance(found, dict):
                return found
            if isinstance(found, str):
                return {"name": found}
        return {}

    def size(self):
        """Of each input, in the workload's unit; 1 where all are alike."""
        inputs = len(self.stage_end_s)
        if not os.path.exists(os.path.join(self.folder, "size.npy")):
            return np.ones(inputs)
        size = np.asarray(self._array("size.npy", 1), dtype=float)
        if len(size) != inputs or not (np.isfinite(size) & (size > 0)).all():
            raise broken(os.path.join(self.folder, "size.npy"), "", f"is not one size above 0 for each of {inputs} inputs",
                         "repeat 'alert-bench record'")
        return size

    def array_or_none(self, name, shape):
        """An array that only some workloads have, such as top1; None if it is absent."""
        if not os.path.exists(os.path.join(self.folder, f"{name}.npy")):
            return None
        array = self._array(f"{name}.npy", len(shape))
        if array.shape != shape:
            raise broken(os.path.join(self.folder, f"{name}.npy"), "", f"has shape {array.shape}, expected {shape}",
                         "repeat 'alert-bench record'")
        return array

    def _array(self, name, dimensions):
        path = os.path.join(self.folder, name)
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise Missing(f"{path}: no such file") from None
        except (ValueError, OSError, EOFError) as e:
            raise broken(path, "", f"damaged, or not an .npy array ({e})", "repeat 'alert-bench record'") from None
        if array.ndim != dimensions or array.size == 0:
            raise broken(path, "", f"has shape {array.shape}, needs {dimensions} dimensions, none empty",
                         "repeat 'alert-bench record'")
        return array
