"""Benchmarks, each compared with a reference in the same run.

`python -m benchmarks [page checks scale streams held render console deliveries]`
"""
