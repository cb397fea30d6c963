"""Optimisers and learning-rate schedules by the names that params.yaml gives them."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from src.params import Train
from src.training.muon import Muon


def build_optimiser(network: nn.Module, options: Train) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), Adam (Kingma & Ba 2015, arXiv 1412.6980), SGD with momentum,
    Muon (src/training/muon.py).

    Biases and the scales of norms, all the parameters of one dimension, do not decay (He et al. 2019, arXiv 1812.01187,
    3.1).
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    if options.optimizer == "muon":
        return Muon(trained, options.lr, momentum=options.momentum, weight_decay=options.weight_decay)
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # One kernel for all weights; but it cannot undo fp16's loss scale before clipping.
    fused = options.precision != "fp16"
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, options.lr, momentum=options.momentum, fused=fused)
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, options.lr, fused=fused)


def build_schedule(optimiser: torch.optim.Optimizer, options: Train, steps: int) -> LRScheduler | ReduceLROnPlateau:
    """The schedule of a run of `steps` optimiser steps; it advances with each, `plateau` with each val loss.

    - `one_cycle`: up within the warm-up and down to almost 0, along cosines, Adam's beta the other way round (Smith
      2018, arXiv 1803.09820).
    - `cosine`: a warm-up, then down to 0 along a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983).
    - `poly`: a warm-up, then (1 - progress) ^ power (Chen et al. 2018, DeepLab, arXiv 1606.00915, 4.1.1).
    - `constant`: a warm-up, then the rate itself.
    - `plateau`: the rate, times a factor after some epochs without a better val loss.

    Warm-ups but one-cycle's are linear (Goyal et al. 2017, arXiv 1706.02677, 2.2).
    """
    if options.schedule == "plateau":
        return ReduceLROnPlateau(
            optimiser, factor=options.plateau_factor, patience=options.plateau_patience, threshold=0.0
        )
    if options.schedule == "one_cycle":
        # SGD's momentum and Muon's are the user's, train.momentum.
        cycle = options.optimizer not in ("sgd", "muon")
        # Of a warm-up of exactly one step, such as 0.2 of five, torch divides by its length, which is one less.
        warm = options.warmup * (0.99 if math.isclose(options.warmup * steps, 1) else 1)
        return OneCycleLR(optimiser, options.lr, total_steps=steps, pct_start=warm, cycle_momentum=cycle)
    warmup = round(options.warmup * steps)

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        progress = min(1.0, (step - warmup) / max(1, steps - warmup))
        if options.schedule == "cosine":
            return (1 + math.cos(math.pi * progress)) / 2
        return (1 - progress) ** options.poly_power if options.schedule == "poly" else 1.0

    return LambdaLR(optimiser, share)
