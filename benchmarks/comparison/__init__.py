"""The comparison with peers: every one of them in turn, probed before and counted after."""
