"""The gateway: what anybody sends, and what they get back."""
