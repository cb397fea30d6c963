"""What a run changes (weights, their average, optimiser, schedule) and the one step that changes it."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning.fabric import Fabric

from src.models.losses import SegmentationLoss
from src.models.zoo import Segmenter
from src.params import Train
from src.training.averaging import Average, Mixture
from src.training.optim import build_optimiser, build_schedule
from src.training.pooling import pooled

Batch = tuple[torch.Tensor, torch.Tensor]


class Learner:
    """A network in training.

    Args:
        fabric: device, precision, processes.
        segmenter: trained in place; in train mode its network may answer a tuple, (main, *auxiliary) logits.
        options: the section `train`.
        class_weights: by target index, or None.
        steps: optimiser steps of the whole run, for the schedule.
        fine_tuned: the segmenter brings trained weights, whose norms `options.freeze_norms` may keep, and which
            `options.init_share` mixes into the best guess.
    """

    def __init__(
        self,
        fabric: Fabric,
        segmenter: Segmenter,
        options: Train,
        class_weights: Sequence[float] | None,
        steps: int,
        *,
        fine_tuned: bool = False,
    ) -> None:
        self.fabric, self.options = fabric, options
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            # timm's knows the norms with an activation inside. On processors there is no synchronous norm: each
            # process has statistics of its own, as smaller batches would.
            from timm.layers import convert_sync_batchnorm

            segmenter = convert_sync_batchnorm(segmenter)
        layout = torch.channels_last if options.channels_last else torch.contiguous_format
        self.segmenter = segmenter.to(fabric.device, memory_format=layout)
        freezes = fine_tuned and options.freeze_norms
        self._frozen = [
            m for m in self.segmenter.modules() if freezes and isinstance(m, torch.nn.modules.batchnorm._BatchNorm)
        ]
        self.loss = SegmentationLoss(
            options.loss, class_weights, focal_gamma=options.focal_gamma, tversky_alpha=options.tversky_alpha
        ).to(fabric.device)
        self.average = Average(self.segmenter, options.ema) if options.ema else None
        mixes = fine_tuned and options.init_share > 0
        self._mixture = Mixture(self.segmenter, options.init_share) if mixes else None
        self.steps_done = 0
        optimiser = build_optimiser(self.segmenter, options)
        self.schedule = build_schedule(optimiser, options, steps)
        network = torch.compile(self.segmenter) if options.compile else self.segmenter
        self._network, self._optimiser = fabric.setup(network, optimiser)

    def best_guess(self) -> Segmenter:
        """The network to validate and to keep: the average if there is one, mixed with the initial weights if asked."""
        tuned = self.average.network if self.average else self.segmenter
        return self._mixture.of(tuned) if self._mixture else tuned

    @property
    def lr(self) -> float:
        return self._optimiser.param_groups[0]["lr"]

    def step(self, batches: Sequence[Batch]) -> torch.Tensor:
        """One optimiser step on the mean loss of `batches`, each (uint8 [N, H, W, 3], int64 [N, H, W]) on any device.

        Returns:
            That loss, a scalar on the device, without gradient: the same in all processes.
        """
        # What is random in a step (dropout) depends on seed, step and process alone, as samples do: a resumed run
        # needs no generator's state.
        seed = (self.options.seed * 1_000_003 + self.steps_done) * 1_009 + self.fabric.global_rank
        torch.manual_seed(seed % 2**63)
        self.segmenter.train()
        for norm in self._frozen:
            norm.eval()
        total = torch.zeros((), device=self.fabric.device)
        for number, (frames, target) in enumerate(batches, start=1):
            with self.fabric.no_backward_sync(self._network, enabled=number < len(batches)):
                loss = self._loss(frames, target) / len(batches)
                self.fabric.backward(loss)
            total += loss.detach()
        if self.options.clip_norm:
            # fp16's scale makes gradients infinite now and then; its scaler then leaves the step out.
            self.fabric.clip_gradients(
                self._network, self._optimiser, max_norm=self.options.clip_norm, error_if_nonfinite=False
            )
        self._optimiser.step()
        self._optimiser.zero_grad()
        if self.options.schedule != "plateau":
            self.schedule.step()
        if self.average:
            self.average.update(self.segmenter, self.steps_done)
        self.steps_done += 1
        return total

    def end_epoch(self, val_loss: float) -> None:
        if self.options.schedule == "plateau":
            self.schedule.step(val_loss)

    def state(self) -> dict[str, Any]:
        """All that a step changes, as plain values and the tensors themselves: to be written before the next step."""
        return {
            "network": self.segmenter.state_dict(),
            "average": self.average.network.state_dict() if self.average else None,
            "optimiser": self._optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.fabric.strategy.precision.state_dict(),
            "steps_done": self.steps_done,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.segmenter.load_state_dict(state["network"])
        if self.average:
            self.average.network.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.fabric.strategy.precision.load_state_dict(state["scaler"])
        self.steps_done = state["steps_done"]

    def _loss(self, frames: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        frames = frames.to(self.fabric.device, non_blocking=True)
        target = target.to(self.fabric.device, non_blocking=True)
        if not self.options.channels_last:
            # Frames come with their channels last, and the memory format of a net's input decides for all of it.
            frames = frames.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
        logits = self._network(frames)
        main, *auxiliary = logits if isinstance(logits, tuple | list) else (logits,)
        return self._value(main, target) + self.options.auxiliary * sum(
            (self._value(extra, target) for extra in auxiliary), start=0.0
        )

    def _value(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.loss.value(pooled(self.loss.sums(logits.float(), target)))
