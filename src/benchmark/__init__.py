"""Measurements a sceptic can repeat: latency and memory of every backend, video FPS step by step."""
