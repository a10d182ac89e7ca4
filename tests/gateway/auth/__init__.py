"""Tests of `gateway/auth`."""
