"""The released model: a checkpoint made into the files of models/release, and their card.

weights.py   the model file with its kernels stored in half;  pack.py  the folder, complete or untouched
card.py      README.md of the folder
"""
