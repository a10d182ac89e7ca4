"""Tests of users as objects: over a cluster in this process, and over hosts on Ray."""
