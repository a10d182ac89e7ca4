"""Types that clients generate from the API's description, held against real replies."""
