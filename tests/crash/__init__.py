"""Short versions of the torture, for every run of the tests."""
