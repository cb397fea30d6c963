"""Shared by all tests."""

import os

# On two cores OpenMP's spinning threads slow parallel test processes threefold; asleep, they do not.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
