"""Tests of the test kit: it has to bite before anybody may trust a test that uses it."""
