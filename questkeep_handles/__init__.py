"""Direct handles: users as objects, for code that runs beside their hosts and needs no HTTP."""

from questkeep_launcher import require_own_packages

require_own_packages()
