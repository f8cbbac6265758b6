"""Runs a command if this machine has an x86-64 level, else exits with 77 (skipped).

``run_if_supported.py LEVEL COMMAND...``
"""

import subprocess
import sys
from pathlib import Path

NEEDED = {
    "x86-64": set(),
    "x86-64-v3": {"avx2", "bmi2", "fma", "f16c", "movbe"},
    "x86-64-v4": {"avx2", "bmi2", "fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}

cpuinfo = Path("/proc/cpuinfo")
flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
level, *command = sys.argv[1:]
missing = NEEDED[level] - flags
if missing:
    print(f"skipped: this machine lacks {', '.join(sorted(missing))}")
    sys.exit(77)
sys.exit(subprocess.run(command, check=False).returncode)
