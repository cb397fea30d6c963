"""Networks written from their papers: float [N, 3, H, W] normalised RGB -> float logits [N, C, H, W].

In training those with auxiliary heads answer a tuple instead, the main logits first; every member has the input's size.
"""
