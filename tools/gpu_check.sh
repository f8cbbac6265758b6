#!/bin/sh
# On a machine with a CUDA device: builds the package offline against the installed JAX, runs the
# GPU tests and the comparison, and writes what they print to a folder.
#   tools/gpu_check.sh [FOLDER]     default: benchmarks/results/gpu-<date>
# Needs jax with CUDA, pybind11, scikit-build-core, cmake, ninja and pytest to be installed.
set -eu
cd "$(dirname "$0")/.."
out=${1:-benchmarks/results/gpu-$(date +%Y-%m-%d)}
mkdir -p "$out"
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
python3 -m pip install --quiet --no-build-isolation --no-deps --target "$target" .
export PYTHONPATH="$target"
python3 -c 'import brainvar; brainvar.show_config()' | tee "$out/config.txt"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv | tee -a "$out/config.txt"
status=0
python3 -m pytest -m gpu -q -p no:cacheprovider 2>&1 | tee "$out/tests.txt" || status=$?
grep -q ' passed' "$out/tests.txt" || status=1
! grep -qE ' (failed|error)' "$out/tests.txt" || status=1
python3 -m brainvar --no-progress --output "$out/coba.png" 2>&1 | tee "$out/coba.txt"
python3 benchmarks/compare.py --json "$out/compare.json" 2>&1 | tee "$out/compare.txt"
exit $status
