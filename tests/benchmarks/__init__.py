"""Peers beside ours, in one run, on the same streets: `python -m tests.benchmarks` prints the table.

Nothing here asserts seconds. A peer that is not installed is skipped with a line that says why;
`pip install ".[bench]"` brings those that a package index has, `--install-valhalla` the last one.
"""
