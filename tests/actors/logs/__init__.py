"""Tests of `actors/logs`."""
