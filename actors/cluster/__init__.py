"""Where hosts run: the placements, and `ray_runtime`, which has Ray start and restart them."""
