"""Measures what the worker costs: `make bench`, or `python -m bench --help`. docs/performance.md shows the figures."""
