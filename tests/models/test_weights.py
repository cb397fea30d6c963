"""Encoder weights: from a local file in the names of smp, timm and training scripts; and without a network."""

import pytest
import torch
from safetensors.torch import save_file

from src.errors import UserError
from src.models.zoo import build_network

TIMM = "tu-resnet10t"


def build(weights, name="unet", encoder="resnet18"):
    return build_network(name, encoder, 1, encoder_weights=weights, decoder_channels=None)


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(7)
    return {name: build(None, encoder=name) for name in ("resnet18", TIMM)}


def assert_loaded(network, source):
    for key, tensor in source.encoder.state_dict().items():
        assert torch.equal(network.encoder.state_dict()[key], tensor), key


@pytest.mark.parametrize("encoder", ["resnet18", TIMM])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_state_dict_of_the_encoder_is_loaded(trained, encoder, suffix, tmp_path):
    path = tmp_path / f"weights{suffix}"
    state = trained[encoder].encoder.state_dict()
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    assert_loaded(build(str(path), encoder=encoder), trained[encoder])


def test_a_classifiers_file_is_taken_without_its_last_layer(trained, tmp_path):
    state = {key.removeprefix("model."): tensor for key, tensor in trained[TIMM].encoder.state_dict().items()}
    torch.save({"state_dict": state | {"fc.weight": torch.zeros(3, 3)}}, tmp_path / "w.pth")
    assert_loaded(build(str(tmp_path / "w.pth"), encoder=TIMM), trained[TIMM])


def test_timms_own_names_fit(tmp_path):
    import timm

    torch.manual_seed(3)
    classifier = timm.create_model("mobilenetv4_conv_small", pretrained=False)
    dropped = ("conv_head", "norm_head", "classifier")
    state = {key: tensor for key, tensor in classifier.state_dict().items() if not key.startswith(dropped)}
    torch.save(state, tmp_path / "w.pth")
    network = build(str(tmp_path / "w.pth"), encoder="tu-mobilenetv4_conv_small")
    assert torch.equal(network.encoder.state_dict()["model.conv_stem.weight"], state["conv_stem.weight"])


def test_a_whole_net_with_context_gives_its_encoder(trained, tmp_path):
    whole = build_network("unet", TIMM, 1, context=1)
    torch.save(whole.state_dict(), tmp_path / "w.pth")
    assert_loaded(build(str(tmp_path / "w.pth"), encoder=TIMM), whole.encoder)


@pytest.mark.parametrize("prefix", ["encoder.", "module.encoder."])
def test_a_whole_net_gives_its_encoder(trained, prefix, tmp_path):
    state = {prefix + key: tensor for key, tensor in trained["resnet18"].encoder.state_dict().items()}
    state |= {prefix.removesuffix("encoder.") + "decoder.weight": torch.zeros(3)}
    torch.save(state, tmp_path / "w.pth")
    assert_loaded(build(str(tmp_path / "w.pth")), trained["resnet18"])


def test_torchvisions_encoder_takes_a_file(tmp_path):
    torch.manual_seed(5)
    source = build(None, "lraspp", None)
    torch.save(source.encoder.state_dict(), tmp_path / "w.pth")
    assert_loaded(build(str(tmp_path / "w.pth"), "lraspp", None), source)


def damaged(state, how):
    state = dict(state)
    if how == "missing":
        del state["conv1.weight"]
    elif how == "extra":
        state["neck.weight"] = torch.zeros(1)
    elif how == "shape":
        state["conv1.weight"] = torch.zeros(64, 1, 7, 7)
    return state


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("missing", "1 missing (conv1.weight)"),
        ("extra", "1 not of this encoder (neck.weight)"),
        ("shape", "conv1.weight: (64, 1, 7, 7) for (64, 3, 7, 7)"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(trained, how, says, tmp_path):
    torch.save(damaged(trained["resnet18"].encoder.state_dict(), how), tmp_path / "w.pth")
    with pytest.raises(UserError) as caught:
        build(str(tmp_path / "w.pth"))
    assert says in str(caught.value)
    assert "does not fit the encoder" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("w.pth", None, "no such file"),
        ("w.safetensors", None, "no such file"),
        ("w.pth", b"text", "cannot be read"),
        ("w.safetensors", b"text", "cannot be read"),
        ("w.pth", [1], "not a state dict"),
    ],
)
def test_what_is_no_weights_file_is_refused(name, content, says, tmp_path):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=r"model\.encoder_weights") as caught:
        build(str(path))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "encoder", "download"),
    [
        ("unet", "resnet18", "segmentation_models_pytorch.encoders.hf_hub_download"),
        ("unet", TIMM, "timm.models._builder.load_pretrained"),
        ("fcn", None, "torchvision.models._api.load_state_dict_from_url"),
    ],
)
@pytest.mark.parametrize("error", [OSError("no route to host"), ValueError("offline mode is on")])
def test_without_a_network_both_ways_out_are_named(name, encoder, download, error, monkeypatch):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(download, fail)
    with pytest.raises(UserError) as caught:
        build("imagenet", name, encoder)
    for part in ("model.encoder_weights", str(error), "null", "path of a .pth or .safetensors"):
        assert part in str(caught.value)


def test_a_wrong_encoder_is_said_before_its_weights():
    with pytest.raises(UserError, match="cannot build unet over encoder 'resnet19'"):
        build("imagenet", encoder="resnet19")
