"""The cases of ``benchmarks/compare.py`` and the harness that times them side by side."""
