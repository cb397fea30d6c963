import pytest
import torch
from torch.nn import functional as F

from src.errors import UserError
from src.labels import VOID
from src.models.losses import BAND, SegmentationLoss, class_weights
from src.params import Loss
from tests.prepared import loss_weights

TERMS = tuple(Loss.model_fields)


def case(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [2, channels, 8, 8] and targets of all classes, without void."""
    draw = torch.Generator().manual_seed(channels)
    logits = torch.randn(2, channels, 8, 8, generator=draw)
    return logits, torch.randint(0, max(2, channels), (2, 8, 8), generator=draw)


def loss(logits, target, **weights):
    return SegmentationLoss(loss_weights(**weights))(logits, target)


def test_binary_cross_entropy_is_the_mean_over_valid_pixels():
    logits = torch.tensor([[[[2.0, -1.0, 5.0]]]])
    target = torch.tensor([[[1, 0, VOID]]])
    expected = F.binary_cross_entropy_with_logits(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0]))
    assert loss(logits, target, cross_entropy=1.0) == pytest.approx(expected.item())


def test_multi_class_cross_entropy_is_torchs_with_ignored_void():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    target[0, 0] = VOID
    expected = F.cross_entropy(logits, target, ignore_index=VOID)
    assert loss(logits, target, cross_entropy=1.0) == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_dice_is_near_0_for_the_truth_and_near_1_for_its_opposite(channels):
    target = torch.randint(0, max(2, channels), (1, 32, 32), generator=torch.Generator().manual_seed(0))
    one_hot = F.one_hot(target, max(2, channels)).movedim(-1, 1)
    right = 40.0 * (one_hot[:, 1:] if channels == 1 else one_hot) - 20
    assert loss(right, target, dice=1.0) < 0.01
    assert loss(-right, target, dice=1.0) > (0.95 if channels == 1 else 0.4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("term", TERMS)
def test_void_changes_no_term(term, channels):
    logits, target = case(channels)
    target[:, :4] = VOID
    changed = logits.clone()
    changed[:, :, :4] = 100
    assert loss(logits, target, **{term: 1.0}) == pytest.approx(loss(changed, target, **{term: 1.0}).item())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("term", TERMS)
def test_all_void_is_finite_and_has_a_gradient(term, channels):
    logits, target = case(channels)
    logits.requires_grad_()
    value = loss(logits, torch.full_like(target, VOID), **{term: 1.0})
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("term", TERMS)
def test_every_term_falls_from_the_opposite_to_the_truth_and_is_finite_there(term, channels):
    target = case(channels)[1]
    one_hot = F.one_hot(target, max(2, channels)).movedim(-1, 1)
    truth = (60.0 * (one_hot[:, 1:] if channels == 1 else one_hot) - 30).requires_grad_()
    right, wrong = loss(truth, target, **{term: 1.0}), loss(-truth, target, **{term: 1.0})
    assert right < 0.01 < 0.4 < wrong < 1000
    (right + wrong).backward()
    assert torch.isfinite(truth.grad).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sum_of_terms_is_the_sum_of_their_values(channels):
    logits, target = case(channels)
    apart = sum((i + 1) * loss(logits, target, **{term: 1.0}) for i, term in enumerate(TERMS))
    together = loss(logits, target, **{term: i + 1.0 for i, term in enumerate(TERMS)})
    assert together == pytest.approx(apart.item(), rel=1e-5)


@pytest.mark.parametrize("term", [term for term in TERMS if term != "lovasz"])
def test_sums_of_parts_of_a_batch_are_those_of_the_whole(term):
    logits, target = case(3)
    target[0, :3] = VOID
    criterion = SegmentationLoss(loss_weights(**{term: 1.0}))
    parts = [criterion.sums(logits[i : i + 1], target[i : i + 1])[term] for i in range(2)]
    assert criterion.value({term: sum(parts)}) == pytest.approx(criterion(logits, target).item(), rel=1e-5)


def test_bce_asks_of_each_class_alone_whether_it_is_there():
    logits, target = case(3)
    expected = F.binary_cross_entropy_with_logits(logits, F.one_hot(target, 3).movedim(-1, 1).float())
    assert loss(logits, target, bce=1.0) == pytest.approx(expected.item(), rel=1e-5)
    logits, target = case(1)
    assert loss(logits, target, bce=1.0) == loss(logits, target, cross_entropy=1.0)


def test_focal_is_cross_entropy_times_the_power_of_what_is_missing():
    chance, target = torch.tensor([0.9, 0.3]), torch.tensor([[[1, 0]]])
    logits = torch.logit(chance).view(1, 1, 1, 2)
    expected = (-(0.1**2) * torch.log(torch.tensor(0.9)) - 0.3**2 * torch.log(torch.tensor(0.7))) / 2
    assert loss(logits, target, focal=1.0) == pytest.approx(expected.item(), rel=1e-5)
    plain = SegmentationLoss(loss_weights(focal=1.0), focal_gamma=0.0)
    assert plain(logits, target) == pytest.approx(loss(logits, target, cross_entropy=1.0).item(), rel=1e-6)


def test_tversky_weighs_false_positives_by_alpha_and_is_dice_in_the_middle():
    logits, target = case(1)
    middle = SegmentationLoss(loss_weights(tversky=1.0), tversky_alpha=0.5)
    assert middle(logits, target) == loss(logits, target, dice=1.0)
    everywhere, nowhere = torch.full_like(logits, 20.0), torch.full_like(logits, -20.0)
    target = (torch.arange(64).view(1, 8, 8) % 2).expand(2, 8, 8)  # half of it
    strict = SegmentationLoss(loss_weights(tversky=1.0), tversky_alpha=0.9)
    lenient = SegmentationLoss(loss_weights(tversky=1.0), tversky_alpha=0.1)
    # 64 hits and 64 false positives: 1 - 64.5 / (64.5 + alpha 64).
    assert strict(everywhere, target) == pytest.approx(1 - 64.5 / (64.5 + 0.9 * 64), rel=1e-4)
    assert lenient(everywhere, target) == pytest.approx(1 - 64.5 / (64.5 + 0.1 * 64), rel=1e-4)
    assert strict(nowhere, target) > 0.9


def test_lovasz_of_hard_predictions_is_1_minus_iou():
    # The extension meets the set function at its corners: errors of 0 and 1.
    target = torch.tensor([[[0, 0, 1, 1], [1, 1, 2, 2], [2, 0, 0, VOID]]])
    predicted = torch.tensor([[[0, 1, 1, 1], [1, 0, 2, 2], [2, 2, 0, 0]]])
    hard = 200.0 * F.one_hot(predicted, 3).movedim(-1, 1)
    ious = [2 / 5, 3 / 5, 3 / 4]
    assert loss(hard, target, lovasz=1.0) == pytest.approx(1 - sum(ious) / 3, abs=1e-6)


def test_lovasz_hinge_is_0_beyond_the_margin_and_counts_a_class_that_is_not_there():
    logits, target = torch.full((1, 1, 4, 4), -2.0), torch.zeros(1, 4, 4, dtype=torch.long)
    assert loss(logits, target, lovasz=1.0) == 0
    logits[0, 0, 0, 0] = 1.0
    assert loss(logits, target, lovasz=1.0) == pytest.approx(2.0)


def test_boundary_looks_at_a_band_around_the_border_and_across_void():
    target = torch.zeros(1, 32, 32, dtype=torch.long)
    target[:, :16] = 1
    target[:, 15:17] = VOID
    logits = torch.zeros(1, 1, 32, 32)
    rows = slice(17 - BAND, 14 + BAND + 1)  # row 14 is the last of sky, row 17 the first of ground
    outside = logits.clone()
    outside[:, :, : rows.start] = 50
    outside[:, :, rows.stop :] = 50
    border = loss(logits, target, boundary=1.0)
    assert border == pytest.approx(torch.log(torch.tensor(2.0)).item())
    assert loss(outside, target, boundary=1.0) == border
    within = logits.clone()
    within[:, :, rows] = 5
    assert loss(within, target, boundary=1.0) > border
    assert loss(logits, torch.zeros_like(target), boundary=1.0) == 0  # no border


def test_balanced_weights_give_every_class_the_same_say():
    assert class_weights("balanced", {"background": 0.75, "sky": 0.25}) == pytest.approx([2 / 3, 2.0])
    assert class_weights("balanced", {"background": 0.8, "rare": 0.0, "sky": 0.2}) == pytest.approx([0.625, 1.0, 2.5])
    assert class_weights({"sky": 3.0}, {"background": 0.8, "sky": 0.2}) == [1.0, 3.0]
    assert class_weights(None, {"background": 0.8, "sky": 0.2}) is None


def test_a_weight_for_no_class_is_refused():
    with pytest.raises(UserError, match="no class road") as caught:
        class_weights({"road": 2.0}, {"background": 0.8, "sky": 0.2})
    assert "background, sky" in caught.value.why


def test_weights_scale_the_cross_entropy_of_each_class():
    # One sky pixel at probability 1/4, one of background at 1/2 of sky, one void; weights 1 and 3.
    chance = torch.tensor([0.25, 0.5, 0.9])
    binary = torch.logit(chance).view(1, 1, 1, 3)
    target = torch.tensor([[[1, 0, VOID]]])
    expected = (3 * -torch.log(torch.tensor(0.25)) - torch.log(torch.tensor(0.5))) / 4
    weighted = SegmentationLoss(loss_weights(cross_entropy=1.0), [1.0, 3.0])
    assert weighted(binary, target) == pytest.approx(expected.item())
    two_channels = torch.cat([torch.zeros_like(binary), binary], dim=1)
    assert weighted(two_channels, target) == pytest.approx(expected.item())
    assert weighted.state_dict() == {}


def test_weighted_multi_class_cross_entropy_is_torchs():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    target[0, 0] = VOID
    expected = F.cross_entropy(logits, target, weight=torch.tensor([0.5, 1.0, 4.0]), ignore_index=VOID)
    weighted = SegmentationLoss(loss_weights(cross_entropy=1.0), [0.5, 1.0, 4.0])
    assert weighted(logits, target) == pytest.approx(expected.item(), rel=1e-5)
