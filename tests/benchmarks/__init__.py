"""Tests of the benchmarks: what is measured is right, and whoever breaks the rules is found out."""
