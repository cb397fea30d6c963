import pytest
import torch
from torch.nn import functional as F

from src.labels import VOID
from src.models.losses import SegmentationLoss
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
