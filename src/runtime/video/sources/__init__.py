"""Where frames come from: files, cameras and streams, and what --video may name."""
