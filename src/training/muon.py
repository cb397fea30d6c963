"""Muon: momentum whose matrices are made orthogonal before they move the weights.

Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the rates follow Liu et al. 2025, "Muon is Scalable for
LLM Training", arXiv 2502.16982. torch.optim's and timm's compute the orthogonal matrix in bfloat16, which a processor
without it emulates: 17 s a step for the default net, on two such cores (docs/decisions.md). Here it is exact, in fp32.
"""

from collections.abc import Iterable

import torch
from torch import nn

# Singular values below this share of the greatest are noise of fp32: they are not raised to 1.
LEAST = 1e-3


class Muon(torch.optim.Optimizer):
    """Muon for the weights that are matrices or convolutions, AdamW for all else: biases, norms, depthwise kernels.

    A convolution's kernel [out, in, h, w] counts as the matrix [out, in h w]. An update's root mean square is 0.2,
    about AdamW's, so that rates and decays that suit AdamW suit here (arXiv 2502.16982, 2.2).

    Args:
        parameters: those to train.
        lr: > 0.
        momentum: 0..1, with Nesterov's look ahead.
        weight_decay: >= 0, decoupled from the gradient; not of parameters of one dimension.
        betas, eps: AdamW's.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        parameters = list(parameters)
        kinds = [(p, p.ndim > 1 and min(p.shape[:2]) > 1) for p in parameters]
        groups = [
            {"params": [p for p, matrix in kinds if matrix], "matrices": True},
            {"params": [p for p, matrix in kinds if not matrix and p.ndim > 1], "matrices": False},
            {"params": [p for p, _ in kinds if p.ndim <= 1], "matrices": False, "weight_decay": 0.0},
        ]
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "betas": betas, "eps": eps}
        super().__init__([group for group in groups if group["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One step on the gradients; parameters without one stay."""
        for group in self.param_groups:
            update = self._muon if group["matrices"] else self._adam
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update(parameter, group), alpha=-group["lr"])

    def _muon(self, parameter: nn.Parameter, group: dict) -> torch.Tensor:
        gradient, mean = parameter.grad, self._kept(parameter, "mean")
        mean.lerp_(gradient, 1 - group["momentum"])
        matrix = gradient.lerp(mean, group["momentum"]).flatten(1)
        return orthogonal(matrix).mul_(0.2 * max(matrix.shape) ** 0.5).view(parameter.shape)

    def _adam(self, parameter: nn.Parameter, group: dict) -> torch.Tensor:
        state, gradient = self.state[parameter], parameter.grad
        mean, square = self._kept(parameter, "mean"), self._kept(parameter, "square")
        state["steps"] = steps = state.get("steps", 0) + 1
        first, second = group["betas"]
        mean.lerp_(gradient, 1 - first)
        square.lerp_(gradient.square(), 1 - second)
        scale = (square / (1 - second**steps)).sqrt_().add_(group["eps"])
        return mean / scale / (1 - first**steps)

    def _kept(self, parameter: nn.Parameter, name: str) -> torch.Tensor:
        """What the state keeps of a parameter by this name: 0 before the first step."""
        state = self.state[parameter]
        if name not in state:
            state[name] = torch.zeros_like(parameter)
        return state[name]


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest matrix with orthonormal rows, or columns if these are fewer: U V^T of the decomposition U S V^T.

    By the eigenvectors of the smaller Gram matrix, (M M^T)^(-1/2) M, which costs two products of M's size where
    Newton and Schulz's five iterations cost ten.

    Args:
        matrix: float32 [M, N], finite or not: what is not stays so, for the check of the loss to find.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T).T
    norm = matrix.norm()
    if not norm.isfinite() or norm == 0:
        return matrix.clone()
    matrix = matrix / norm
    squares, vectors = torch.linalg.eigh(matrix @ matrix.T)
    inverse = squares.clamp(min=LEAST**2 * squares[-1]).rsqrt()
    return (vectors * inverse) @ (vectors.T @ matrix)
