"""`train.init`: what a run starts from, what does not fit, and that fine-tuning is training in all else."""

from dataclasses import replace

import pytest
import torch

from src.errors import UserError
from src.model_card import ClassInfo
from src.models.losses import SegmentationLoss
from src.models.weight_file import read_weights, write_safetensors
from src.models.zoo import load_checkpoint, save_checkpoint
from src.training import fit as fit_module
from src.training.initial import find_start
from src.training.resume import fingerprint
from tests.models.test_zoo import SKY, THREE, spec
from tests.prepared import model_options, train_options
from tests.training.runs import assert_equal_weights, run, run_killed, weights

# As the small network of `model_options`, with a normalisation that no toy set has.
TOY = spec(channels=(16, 16, 8, 8, 8))


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Weights of the toy network as the release has them."""
    torch.manual_seed(8)
    path = tmp_path_factory.mktemp("release") / "skyseg.safetensors"
    write_safetensors(path, TOY.build(), TOY)
    return path


@pytest.mark.parametrize("init", ["release", "path"])
def test_weights_that_fit_are_taken_with_their_normalisation(released, init):
    wanted = replace(TOY, height=96, width=160, mean=(0.1,) * 3, training_data=({"source": "mine"},))
    found = find_start(init if init == "release" else str(released), released, wanted)
    assert found.spec == replace(wanted, mean=TOY.mean, training_data=({"source": "mine"}, *TOY.training_data))
    built, (_, saved) = found.build("never looked at"), read_weights(released)
    assert all(torch.equal(tensor, saved[name]) for name, tensor in built.network.state_dict().items())
    assert str(released) in found.note


def test_the_data_that_weights_have_seen_comes_with_its_terms(tmp_path):
    terms = [{"source": name, "licence": "research use", "images": 9} for name in ("streets", "synthetic")]
    path = tmp_path / "skyseg.safetensors"
    write_safetensors(path, TOY.build(), replace(TOY, training_data=tuple(terms)))
    mine = {"source": "synthetic", "licence": "Apache-2.0", "images": 4}
    found = find_start("release", path, replace(TOY, training_data=(mine,)))
    assert found.spec.training_data == (mine, *terms)  # a name may be the same where the terms are not
    found = find_start("release", path, replace(TOY, training_data=(terms[1] | {"images": 4},)))
    assert found.spec.training_data == (terms[1] | {"images": 4}, terms[0])


def test_weights_of_a_transformer_fit_their_own_net(tmp_path):
    """smp's MiT encoders read numbers while they are built, which tensors without content have not."""
    one = spec("segformer", "mit_b0", channels=None)
    save_checkpoint(tmp_path / "start.ckpt", one.build(), one)
    assert find_start(str(tmp_path / "start.ckpt"), tmp_path, one).weights is not None


def test_null_starts_from_scratch(released):
    found = find_start(None, released, TOY)
    assert (found.spec, found.weights, found.note) == (TOY, None, "")


WATER = (SKY[0], ClassInfo("water", (0, 0, 255)))
OTHERS = [
    ({"name": "fpn", "decoder_channels": None}, "model.name is fpn, that of the weights unet"),
    ({"encoder": "resnet18"}, "model.encoder is resnet18, that of the weights tu-mobilenetv4_conv_small"),
    ({"decoder_channels": [32, 16, 8, 8, 8]}, "model.decoder_channels is [32, 16, 8, 8, 8]"),
    ({"decoder_channels": None}, "model.decoder_channels is null, that of the weights [16, 16, 8, 8, 8]"),
    ({"context": 2}, "model.context is 2, that of the weights 0"),
    ({"classes": THREE}, "labels is ['sky', 'water'], that of the weights ['sky']"),
    ({"classes": WATER}, "labels is ['water']"),
]


@pytest.mark.parametrize(("changes", "says"), OTHERS)
def test_another_net_starts_from_scratch_and_says_so(released, changes, says):
    wanted = replace(TOY, **changes)
    found = find_start("release", released, wanted)
    assert (found.spec, found.weights) == (wanted, None)
    assert "starting from scratch" in found.note
    assert says in found.note
    assert "\n" not in found.note


@pytest.mark.parametrize(("changes", "says"), OTHERS)
def test_a_named_file_of_another_net_is_refused_by_the_first_difference(released, changes, says):
    with pytest.raises(UserError, match="does not fit the network") as caught:
        find_start(str(released), released, replace(TOY, **changes))
    assert says in str(caught.value)
    assert "train.init: null" in caught.value.fix


def test_a_tensor_that_differs_is_named(released, tmp_path):
    net = TOY.build()
    net.network.segmentation_head[0] = torch.nn.Conv2d(8, 1, 1)
    write_safetensors(tmp_path / "w.safetensors", net, TOY)
    with pytest.raises(
        UserError, match=r"segmentation_head\.0\.weight is \(1, 8, 3, 3\), that of the weights \(1, 8, 1"
    ):
        find_start(str(tmp_path / "w.safetensors"), released, TOY)


@pytest.mark.parametrize(("init", "fix"), [("release", "git checkout models/release"), ("w.ckpt", "correct the path")])
def test_a_missing_file_is_an_error_with_the_way_out(tmp_path, init, fix):
    with pytest.raises(UserError, match=r"train\.init: .* no such file") as caught:
        find_start(init, tmp_path / "skyseg.safetensors", TOY)
    assert fix in caught.value.fix
    assert "train.init: null" in caught.value.fix


@pytest.fixture(scope="module")
def tuned_from(prepared, tmp_path_factory):
    """A checkpoint that toy shards have taught something."""
    into = tmp_path_factory.mktemp("taught")
    run(prepared, into, epochs=2)
    return into / "c.ckpt"


def test_the_first_step_sees_the_initial_weights(prepared, tuned_from, tmp_path, monkeypatch, capsys):
    seen = []

    def step(learner, batches):
        before = {name: tensor.clone() for name, tensor in learner.segmenter.network.state_dict().items()}
        loss = plain_step(learner, batches)
        seen.append((before, batches, loss))
        return loss

    plain_step = fit_module.Learner.step
    monkeypatch.setattr(fit_module.Learner, "step", step)
    figures = run(prepared, tmp_path, epochs=1, init=str(tuned_from))
    assert f"starting from {tuned_from}" in capsys.readouterr().out
    assert figures["init"] == str(tuned_from)
    before, [(frames, target)], loss = seen[0]
    initial = weights(tuned_from.parent)
    assert all(torch.equal(before[name], tensor) for name, tensor in initial.items())
    # With their norms' statistics kept, the first loss is that of the checkpoint as it predicts.
    segmenter, _ = load_checkpoint(tuned_from)
    objective = SegmentationLoss(train_options().loss)
    with torch.inference_mode():
        expected = objective.value(objective.sums(segmenter(frames), target))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def norms(state):
    return {name: tensor for name, tensor in state.items() if "running" in name}


@pytest.mark.parametrize("frozen", [True, False])
def test_norms_keep_their_statistics_if_asked_to(prepared, tuned_from, tmp_path, frozen):
    run(prepared, tmp_path, epochs=1, init=str(tuned_from), freeze_norms=frozen)
    before, after = norms(weights(tuned_from.parent)), norms(weights(tmp_path))
    assert before
    assert all(torch.equal(before[name], after[name]) for name in before) == frozen


def test_from_scratch_norms_are_never_frozen(prepared, tmp_path):
    figures = run(prepared, tmp_path, epochs=1, freeze_norms=True)
    assert figures["init"] == "scratch"
    assert any(tensor.abs().max() > 0 for name, tensor in weights(tmp_path).items() if "running_mean" in name)


def test_what_is_kept_is_mixed_with_the_initial_weights(prepared, tuned_from, tmp_path):
    figures = {
        share: run(prepared, tmp_path / str(share), epochs=1, init=str(tuned_from), init_share=share)
        for share in (0.0, 0.25)
    }
    initial, tuned, mixed = (weights(tmp_path / folder) for folder in (tuned_from.parent, "0.0", "0.25"))
    floats = [name for name, tensor in tuned.items() if tensor.is_floating_point()]
    assert any(not torch.equal(tuned[name], initial[name]) for name in floats)
    for name in floats:
        torch.testing.assert_close(mixed[name], 0.75 * tuned[name] + 0.25 * initial[name])
    # It is validated, too.
    assert figures[0.25]["val"]["loss"] != figures[0.0]["val"]["loss"]


def test_from_scratch_nothing_is_mixed(prepared, tmp_path):
    for share in (0.0, 0.5):
        run(prepared, tmp_path / str(share), epochs=1, init_share=share)
    assert_equal_weights(tmp_path / "0.0", tmp_path / "0.5")


CHANGES = {"epochs": 2, "ema": 0.9, "checkpoint_every": 1}


def test_a_resumed_fine_tuning_ends_as_an_unbroken_one(prepared, tuned_from, tmp_path, capsys):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(prepared, whole, init=str(tuned_from), **CHANGES)
    run_killed(prepared, broken, init=str(tuned_from), **CHANGES)
    capsys.readouterr()
    run(prepared, broken, init=str(tuned_from), **CHANGES)
    assert "step 2 of epoch 2" in capsys.readouterr().out
    assert_equal_weights(whole, broken)


def test_the_fingerprint_knows_the_content_of_the_file(prepared, tmp_path):
    path = tmp_path / "w.ckpt"
    prints = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        save_checkpoint(path, TOY.build(), TOY)
        prints.append(fingerprint(prepared, model_options(), train_options(init="release"), path))
    assert prints[0] == prints[2] != prints[1]
    assert fingerprint(prepared, model_options(), train_options(init="release")) not in prints
