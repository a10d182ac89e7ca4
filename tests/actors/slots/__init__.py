"""Tests of slots that move between hosts."""
