"""What game designers use: rules read and drawn, stories simulated; imports only `domain`."""
