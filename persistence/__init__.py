"""From decided changes to safe bytes and back."""
