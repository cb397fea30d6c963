"""One thin main per DVC stage: read params, call src, write outs. Run by `dvc repro`, as `python -m stages.<name>`."""
