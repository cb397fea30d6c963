"""Networks by name, and the checkpoint that names one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from src.errors import UserError
from src.files import make_writable
from src.model_card import ClassInfo, ModelCard
from src.models import weights
from src.models.nets.bisenetv2 import BiSeNetV2
from src.models.nets.blocks import Logits
from src.models.nets.context import EncoderWithContext
from src.models.nets.ddrnet import DDRNet
from src.models.nets.pidnet import PIDNet
from src.models.nets.torchvision_nets import FCN, LRASPP
from src.models.nets.unet import PlainUNet
from src.params.model import OWN_ENCODER

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_SMP = {
    "unet": "Unet",
    "unetplusplus": "UnetPlusPlus",
    "fpn": "FPN",
    "linknet": "Linknet",
    "manet": "MAnet",
    "pspnet": "PSPNet",
    "deeplabv3": "DeepLabV3",
    "deeplabv3plus": "DeepLabV3Plus",
    "segformer": "Segformer",
    "upernet": "UPerNet",
}


def build_network(
    name: str,
    encoder: str | None,
    logits: int,
    *,
    encoder_weights: str | None = None,
    decoder_channels: list[int] | None = None,
    context: int = 0,
) -> nn.Module:
    """A network: float [N, 3, H, W] normalised RGB -> float logits [N, `logits`, H, W].

    In training a network with auxiliary heads answers (logits, *auxiliary logits), all of that shape; in evaluation
    every network answers one tensor.

    Args:
        name: one of `src.params.model.NetName`.
        encoder: an encoder of smp, or `tu-*` of timm; None for nets that have their own, and for the plain U-Net.
        logits: output channels; 1 for a binary task.
        encoder_weights: "imagenet", the path of a file, or None.
        decoder_channels: from coarse to fine, for architectures that take them; None for their default.
        context: blocks of attention over the encoder's coarsest features, for nets over an encoder; 0 for none.

    Raises:
        UserError: a net that cannot be built over this encoder, or weights that cannot be had or do not fit.
    """
    pretrained = encoder_weights == "imagenet"
    try:
        network = _construct(name, encoder, logits, decoder_channels, pretrained=pretrained)
    except Exception as error:  # the hubs' clients, and smp and timm over them, share no class of error
        if not pretrained and not isinstance(error, KeyError | ValueError | RuntimeError | NotImplementedError):
            raise
        if pretrained:
            # Without the weights, so that what is wrong with the net itself is said first.
            build_network(name, encoder, logits, decoder_channels=decoder_channels)
            raise weights.unavailable(encoder or OWN_ENCODER[name] or name, error) from error
        raise UserError(
            f"model: cannot build {name} over encoder '{encoder}'",
            str(error).strip("'\"")[:500],
            "choose another model.name, model.encoder or model.decoder_channels",
        ) from error
    if encoder_weights and not pretrained:
        weights.load_encoder(network.encoder, Path(encoder_weights))
    if context:
        if encoder is None:
            raise UserError(f"model.context: {name} has no encoder of yours to add it to", fix="set model.context: 0")
        network.encoder = EncoderWithContext(network.encoder, context)
    return network


def _construct(
    name: str, encoder: str | None, logits: int, decoder_channels: list[int] | None, *, pretrained: bool
) -> nn.Module:
    if encoder is not None:
        import segmentation_models_pytorch as smp

        options = {} if decoder_channels is None else {"decoder_channels": tuple(decoder_channels)}
        weights_name = "imagenet" if pretrained else None
        return getattr(smp, _SMP[name])(encoder, encoder_weights=weights_name, classes=logits, **options)
    match name:
        case "unet":
            return PlainUNet(logits)
        case "fcn":
            return FCN(logits, pretrained=pretrained)
        case "lraspp":
            return LRASPP(logits, pretrained=pretrained)
        case "bisenetv2":
            return BiSeNetV2(logits)
        case "ddrnet":
            return DDRNet(logits)
        case "pidnet":
            return PIDNet(logits)
    raise ValueError(f"{name} needs an encoder")


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build a trained network again.

    Attributes:
        name, encoder, decoder_channels, context: see `build_network`.
        classes: by target index.
        height, width: the input size it was trained for.
        mean, std: RGB normalisation over 0..1 values.
        training_data: one {source, licence, images} per source.
    """

    name: str
    encoder: str | None
    decoder_channels: list[int] | None
    classes: tuple[ClassInfo, ...]
    height: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    training_data: tuple[dict[str, Any], ...]
    context: int = 0  # files from before there was any do not name it

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "NetworkSpec":
        """Of what `dataclasses.asdict` made, or JSON of that; raises KeyError or TypeError for anything else."""
        classes = tuple(ClassInfo(info["name"], tuple(info["colour"])) for info in fields["classes"])
        sequences = {name: tuple(fields[name]) for name in ("mean", "std", "training_data")}
        return cls(**{**fields, **sequences, "classes": classes})

    @property
    def logits(self) -> int:
        """Output channels: one for background against one class, else one per class."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    @property
    def title(self) -> str:
        """For people: the net, its encoder if it was chosen, and its blocks of attention if it has any."""
        return "-".join(filter(None, [self.name, self.encoder, f"context{self.context}" if self.context else None]))

    def card(self, threshold: float) -> ModelCard:
        """The model card's part that is known without an export."""
        return ModelCard(
            name=self.title,
            classes=self.classes,
            height=self.height,
            width=self.width,
            threshold=threshold if self.logits == 1 else None,
            training_data=self.training_data,
        )

    def build(self, encoder_weights: str | None = None) -> "Segmenter":
        network = build_network(
            self.name,
            self.encoder,
            self.logits,
            encoder_weights=encoder_weights,
            decoder_channels=self.decoder_channels,
            context=self.context,
        )
        return Segmenter(network, self.mean, self.std)


class Segmenter(nn.Module):
    """A network with its normalisation: uint8 frames in, logits out. Training, evaluation and export share it."""

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("scale", 1 / (torch.tensor(std).view(1, 3, 1, 1) * 255), persistent=False)

    def forward(self, frames: torch.Tensor) -> Logits:
        """uint8 [N, H, W, 3] RGB -> float logits [N, C, H, W]; in training, where the network has auxiliary heads,
        (logits, *auxiliary logits), each of that shape."""
        # Cast first, then transpose: TensorRT takes uint8 only where a Cast follows at once.
        pixels = frames.to(torch.float32).permute(0, 3, 1, 2)
        return self.network((pixels - self.mean) * self.scale)


def probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Logits [N, C, H, W] -> probabilities: sigmoid for one channel, softmax over channels for more."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)


def save_checkpoint(path: Path, model: Segmenter, spec: NetworkSpec) -> None:
    """Writes weights and spec; `load_checkpoint` reads them without running any code from the file."""
    write_torch(path, {"spec": asdict(spec), "weights": model.network.state_dict()})


def write_torch(path: Path, content: Any) -> None:
    """torch.save, complete or not at all; what was there before stays until then.

    Raises:
        UserError: the folder or file cannot be written, or its disk is full.
    """
    make_writable(path.parent)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())  # or the name could outlive the content in a power cut
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as the latter
        part.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written", str(error).splitlines()[0], "free space on its disk") from error


def load_checkpoint(path: Path) -> tuple[Segmenter, NetworkSpec]:
    """The trained network in evaluation mode, and its spec.

    Raises:
        UserError: the file is missing or not a checkpoint of this project.
    """
    spec, trained = read_checkpoint(path)
    with _readable(path):
        model = spec.build()
        model.network.load_state_dict(trained)
    return model.eval(), spec


def read_checkpoint(path: Path) -> tuple[NetworkSpec, dict[str, torch.Tensor]]:
    """Spec and weights, the net not built; errors as of `load_checkpoint`."""
    with _readable(path):
        saved = torch.load(path, map_location="cpu", weights_only=True)
        return NetworkSpec.from_dict(saved["spec"]), dict(saved["weights"])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such checkpoint", fix="dvc repro train") from error
    except Exception as error:  # on a foreign file the unpickler trips over anything, IndexError included
        raise UserError(
            f"{path}: not a checkpoint of this project", type(error).__name__, "train again: dvc repro -f -s train"
        ) from error
