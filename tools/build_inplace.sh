#!/bin/sh
# Builds the extension for one Python and puts it beside the package's sources.
#   tools/build_inplace.sh [PYTHON] [CMAKE OPTIONS...]
# The Python needs jaxlib (for the FFI headers), pybind11, cmake and ninja. An extension that is
# to run on every supported jaxlib must be built with the lowest one.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=$(command -v "${1:-python3}")
[ $# -gt 0 ] && shift
# Tools of that Python's environment come first.
PATH=$(dirname "$python"):$PATH
tag=$("$python" -c 'import sys, importlib.metadata as m
print(sys.implementation.cache_tag, m.version("jaxlib"), sep="-jaxlib")')
build=$root/build/$tag
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DPython_EXECUTABLE="$python" \
  -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" "$@"
cmake --build "$build" --parallel
# Renamed into place: a process that has the old file loaded keeps it.
for module in "$build"/_cpu*.so; do
  target=$root/python/brainvar/$(basename "$module")
  cp "$module" "$target.new"
  mv "$target.new" "$target"
done
