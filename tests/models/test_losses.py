import pytest
import torch
from torch.nn import functional as F

from src.errors import UserError
from src.labels import VOID
from src.models.losses import SegmentationLoss, class_weights
from src.params import Loss


def loss(logits, target, *, cross_entropy=0.0, dice=0.0):
    return SegmentationLoss(Loss(cross_entropy=cross_entropy, dice=dice))(logits, target)


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


def test_void_changes_nothing():
    torch.manual_seed(0)
    logits, target = torch.randn(1, 1, 8, 8), torch.randint(0, 2, (1, 8, 8))
    target[:, :4] = VOID
    changed = logits.clone()
    changed[:, :, :4] = 100
    both = {"cross_entropy": 1.0, "dice": 0.5}
    assert torch.equal(loss(logits, target, **both), loss(changed, target, **both))


def test_all_void_is_finite_and_has_a_gradient():
    logits = torch.randn(1, 1, 4, 4, requires_grad=True)
    value = loss(logits, torch.full((1, 4, 4), VOID), cross_entropy=1.0, dice=1.0)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


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
    weighted = SegmentationLoss(Loss(cross_entropy=1.0, dice=0.0), [1.0, 3.0])
    assert weighted(binary, target) == pytest.approx(expected.item())
    two_channels = torch.cat([torch.zeros_like(binary), binary], dim=1)
    assert weighted(two_channels, target) == pytest.approx(expected.item())
    assert weighted.state_dict() == {}


def test_weighted_multi_class_cross_entropy_is_torchs():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    target[0, 0] = VOID
    expected = F.cross_entropy(logits, target, weight=torch.tensor([0.5, 1.0, 4.0]), ignore_index=VOID)
    weighted = SegmentationLoss(Loss(cross_entropy=1.0, dice=0.0), [0.5, 1.0, 4.0])
    assert weighted(logits, target) == pytest.approx(expected.item(), rel=1e-5)
