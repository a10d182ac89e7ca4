"""Direct handles: users as objects, for code that runs beside their hosts and needs no HTTP."""
