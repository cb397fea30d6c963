"""Training with Lightning: one module, one fit, resumable after a kill."""
