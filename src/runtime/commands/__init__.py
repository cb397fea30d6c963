"""What `python -m src.infer` does with its options: videos.py plays, photos.py segments, common.py serves both."""
