"""asv benchmarks. Each stands beside the same work in plain JAX, in the parameter ``impl``."""

import sys
from pathlib import Path

# The reference networks, which compare.py uses too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
