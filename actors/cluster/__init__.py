"""Where users live: the placements, and the one module that imports Ray."""
