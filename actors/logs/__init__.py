"""Events of hosts on their way to the server's log, and what libraries log."""
