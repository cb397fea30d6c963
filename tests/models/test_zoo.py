import pytest
import torch

from src.errors import UserError
from src.model_card import ClassInfo
from src.models.portable import PortableModel
from src.models.zoo import NetworkSpec, build_network, load_checkpoint, save_checkpoint

SKY = (ClassInfo("background", (0, 0, 0)), ClassInfo("sky", (255, 0, 0)))
THREE = (*SKY, ClassInfo("water", (0, 0, 255)))


def spec(
    name="unet", encoder="tu-mobilenetv4_conv_small", channels=(32, 16, 16, 8, 8), classes=SKY, size=64, context=0
):
    decoder = list(channels) if channels else None
    return NetworkSpec(name, encoder, decoder, classes, size, size, (0.5,) * 3, (0.2,) * 3, (), context)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("unet", "resnet19", 1), "encoder 'resnet19'"),
        (("unet", "tu-nonsense", 1), "encoder 'tu-nonsense'"),
        (("linknet", "mit_b0", 1), "cannot build linknet over encoder 'mit_b0'"),
        (("unet", "resnet18", 1, [8, 8]), "cannot build unet"),
    ],
)
def test_what_cannot_be_built_is_said_by_its_key(arguments, says):
    name, encoder, logits, *channels = arguments
    with pytest.raises(UserError) as caught:
        build_network(name, encoder, logits, encoder_weights=None, decoder_channels=channels[0] if channels else None)
    assert says in str(caught.value)


def test_context_needs_an_encoder_to_go_with():
    with pytest.raises(UserError, match=r"model\.context: ddrnet has no encoder"):
        build_network("ddrnet", None, 1, context=1)


def test_a_checkpoint_survives_the_round_trip(tmp_path):
    one = spec()
    model = one.build().eval()
    save_checkpoint(tmp_path / "c.ckpt", model, one)
    loaded, again = load_checkpoint(tmp_path / "c.ckpt")
    frames = torch.randint(0, 255, (1, 64, 64, 3), dtype=torch.uint8)
    assert again == one
    with torch.inference_mode():
        assert torch.equal(model(frames), loaded(frames))


def test_a_checkpoint_from_before_there_was_context_has_none(tmp_path):
    one = spec()
    save_checkpoint(tmp_path / "c.ckpt", one.build(), one)
    saved = torch.load(tmp_path / "c.ckpt", weights_only=True)
    del saved["spec"]["context"]
    torch.save(saved, tmp_path / "old.ckpt")
    assert load_checkpoint(tmp_path / "old.ckpt")[1] == one


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before_and_no_half(tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail at inline_container.cc] . PytorchStreamWriter failed writing file")

    one = spec()
    save_checkpoint(tmp_path / "c.ckpt", one.build(), one)
    before = (tmp_path / "c.ckpt").read_bytes()
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match=r"c\.ckpt: cannot be written"):
        save_checkpoint(tmp_path / "c.ckpt", one.build(), one)
    assert [path.name for path in tmp_path.iterdir()] == ["c.ckpt"]
    assert (tmp_path / "c.ckpt").read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"text", "foreign"])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "c.ckpt"
    if content == "foreign":
        torch.save({"weights": {}}, path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"c\.ckpt"):
        load_checkpoint(path)


@pytest.mark.parametrize("classes", [SKY, THREE])
def test_the_portable_model_decides_as_its_logits_say(classes):
    torch.manual_seed(0)
    one = spec(classes=classes)
    model = one.build().eval()
    frames = torch.randint(0, 255, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        logits = model(frames)
        labels, confidence = PortableModel(model, threshold=0.3)(frames)
    assert labels.dtype == confidence.dtype == torch.uint8
    assert labels.shape == confidence.shape == (2, 64, 64)
    if len(classes) == 2:
        chance = logits[:, 0].sigmoid()
        assert torch.equal(labels, (chance >= 0.3).to(torch.uint8))
    else:
        chance = logits.softmax(1).amax(1)
        assert torch.equal(labels, logits.argmax(1).to(torch.uint8))
    assert (confidence.float() - chance * 255).abs().max() <= 0.51


def test_a_net_from_scratch_follows_its_statistics_within_a_short_training():
    network = build_network("lraspp", None, 1, encoder_weights=None, decoder_channels=None)
    assert {norm.momentum for norm in network.modules() if isinstance(norm, torch.nn.BatchNorm2d)} == {0.1}
