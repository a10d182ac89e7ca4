"""How fast a durable turn-in is: Questkeep's peers, the limits above them, and the measuring."""
