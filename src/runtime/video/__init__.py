"""The video path: source, compositing, sinks, and the pipeline that runs them at once."""
