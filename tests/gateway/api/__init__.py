"""Tests of `gateway/api`."""
