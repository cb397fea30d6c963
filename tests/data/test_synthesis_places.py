"""What stands under the sky: every place renders at any size, and what is painted is never sky."""

import numpy as np
import pytest

from src.data.synthesis import options
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.compositions import PLACES, compose
from src.data.synthesis.foreground import FOREGROUND, paint_foreground
from src.data.synthesis.perspective import NEAR, Panel, View, fade, paint_lane, paint_panel
from src.data.synthesis.sky import sample_sky
from src.data.synthesis.street import build_street, paint_street
from src.data.synthesis.terrain import GROUNDS, paint_ground
from src.data.synthesis.water import paint_boat, paint_water

NOTHING = dict.fromkeys(options.FOREGROUND, 0.0)
HIGH, WIDE = 72, 128


def painted(place: str, seed: int, high: int = HIGH, wide: int = WIDE, foreground=options.FOREGROUND) -> Canvas:
    rng = np.random.default_rng(seed)
    return compose(rng, sample_sky(rng), high, wide, place, foreground)


def test_places_and_foreground_are_the_ones_that_options_name():
    assert list(PLACES) == list(options.PLACES)
    assert list(FOREGROUND) == list(options.FOREGROUND)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_shows_sky_and_ground_in_changing_shares(place):
    shares = []
    for seed in range(10):
        canvas = painted(place, seed)
        assert np.isfinite(canvas.image).all()
        assert canvas.image.min() >= -0.15
        assert canvas.cover.min() >= -1e-5 and canvas.cover.max() <= 1 + 1e-5
        shares.append(float(1 - canvas.cover.mean()))
    assert 0.08 < np.mean(shares) < 0.92
    assert np.std(shares) > 0.04


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("high", "wide"), [(16, 16), (16, 90), (90, 16), (61, 33)])
def test_a_place_renders_at_any_size(place, high, wide):
    for seed in range(3):
        canvas = painted(place, seed, high, wide, dict.fromkeys(options.FOREGROUND, 0.5))
        assert canvas.image.shape == (high, wide, 3) and np.isfinite(canvas.image).all()
        assert np.isfinite(canvas.cover).all()


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_the_same_for_the_same_seed(place):
    one, two = painted(place, 5), painted(place, 5)
    assert np.array_equal(one.image, two.image) and np.array_equal(one.cover, two.cover)


@pytest.mark.parametrize("place", [name for name in PLACES if name != "canopy"])
def test_below_the_horizon_there_is_no_sky(place):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sky = sample_sky(rng)
        canvas = Canvas(np.ones((HIGH, WIDE, 3), np.float32))
        horizon = 0.5 * (PLACES[place].low + min(PLACES[place].high, 0.9)) * HIGH
        PLACES[place].paint(rng, canvas, sky, horizon)
        # A far end, a shore and hills may hang a little below the geometric horizon.
        assert canvas.cover[int(np.ceil(horizon + 0.06 * HIGH)) :].min() > 0.999


@pytest.mark.parametrize("name", FOREGROUND)
def test_each_thing_in_the_foreground_is_painted_alone_and_is_not_sky(name):
    covered = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        canvas = Canvas(np.zeros((HIGH, WIDE, 3), np.float32))
        paint_foreground(rng, canvas, sample_sky(rng), 0.7 * HIGH, NOTHING | {name: 1.0})
        changed = np.abs(canvas.image).max(axis=2) > 0.02
        assert not (changed & (canvas.cover == 0)).any(), "what was painted is covered"
        covered += canvas.cover.max() > 0.05
    assert covered >= 4


def test_a_foreground_of_no_chance_is_empty():
    rng = np.random.default_rng(0)
    canvas = Canvas(np.zeros((HIGH, WIDE, 3), np.float32))
    paint_foreground(rng, canvas, sample_sky(rng), 40.0, NOTHING)
    assert canvas.cover.max() == 0


def test_nothing_that_stands_on_the_ground_comes_near_an_aircraft():
    everything = dict.fromkeys(("branches", "wires", "pole", "fence"), 1.0)
    with_them, without = (painted("flight", 3, foreground=NOTHING | chances) for chances in (everything, {}))
    assert np.array_equal(with_them.image, without.image)


@pytest.mark.parametrize("calm", [0.0, 0.5, 1.0])
def test_water_mirrors_the_sky_and_is_none(calm):
    rng = np.random.default_rng(1)
    sky = sample_sky(rng, "clear")
    blue = np.broadcast_to(np.float32([0.1, 0.2, 0.9]), (HIGH, WIDE, 3))
    canvas = Canvas(blue)
    paint_water(rng, canvas, 30.0, sky.light, calm)
    assert canvas.cover[30:].min() == 1 and canvas.cover[:30].max() == 0
    assert canvas.image[30:, :, 2].mean() > canvas.image[30:, :, 0].mean(), "it carries the sky's colour"
    before = canvas.image.copy()
    paint_boat(rng, canvas, 60.0, 32.0, 60.0, sky.light)
    assert canvas.cover[:30].max() > 0.5, "it stands above the water's edge"
    assert not ((canvas.image != before).any(axis=2) & (canvas.cover == 0)).any()


@pytest.mark.parametrize("kind", GROUNDS)
def test_ground_covers_everything_from_the_horizon_down(kind):
    rng = np.random.default_rng(2)
    canvas = Canvas(np.zeros((HIGH, WIDE, 3), np.float32))
    paint_ground(rng, canvas, 20.5, sample_sky(rng).light, kind)
    assert canvas.cover[:20].max() == 0 and canvas.cover[21:].min() == 1
    assert np.allclose(canvas.cover[20], 0.5)


def test_the_camera_projects_as_a_pinhole():
    view = View(focal=100.0, middle=50.0, horizon=40.0, x=1.0, eye=2.0, z=10.0)
    points = view.project(np.array([[1.0, 2.0, 20.0], [2.0, 0.0, 20.0], [2.0, 0.0, 1e9]]))
    assert np.allclose(points, [[50, 40], [60, 60], [50, 40]], atol=1e-4)
    assert view.scale(20.0) == 10.0


@pytest.mark.parametrize("top", [10.0, 10.25, 10.5, 10.75])
def test_polygons_cover_their_area_and_level_edges_part_of_a_row(top):
    canvas = Canvas.blank(40, 40)
    canvas.polygon(np.array([[9.5, top], [20.25, top], [20.25, 30], [9.5, 30]]), np.ones(3))
    assert canvas.cover[10, 15] == pytest.approx(11 - top, abs=0.02)
    assert canvas.cover[:10].max() == canvas.cover[30:].max() == 0
    assert canvas.cover.sum() == pytest.approx(10.75 * (30 - top), rel=1e-3)
    turned = np.array([[3.2, 4.1], [35.7, 9.3], [11.1, 38.8]])
    canvas = Canvas.blank(40, 40)
    canvas.polygon(turned, np.ones(3))
    (ax, ay), (bx, by) = turned[1:] - turned[0]
    assert canvas.cover.sum() == pytest.approx(abs(ax * by - ay * bx) / 2, rel=0.02)


@pytest.mark.parametrize("thickness", [0.3, 0.8, 1.0, 1.4, 2.0, 2.4, 3.0])
def test_lines_are_as_wide_as_they_say(thickness):
    for angle in (0.0, 0.3, 0.8, 1.57):
        canvas, way = Canvas.blank(40, 40), 15 * np.array([np.cos(angle), np.sin(angle)])
        canvas.lines([np.stack([20.1 - way, 20.1 + way])], thickness, np.ones(3))
        assert canvas.cover.sum() / 30 == pytest.approx(thickness, abs=0.27)


def test_ground_fades_up_to_the_sky_without_a_dark_line():
    light = sample_sky(np.random.default_rng(0), "fog").light
    for horizon in (40.0, 40.3, 40.8):
        view = View(focal=200.0, middle=80.0, horizon=horizon, eye=1.6)
        canvas, ground = Canvas(np.broadcast_to(light.air.astype(np.float32), (90, 160, 3))), Canvas.blank(90, 160)
        paint_lane(ground, view, (-1e4, 1e4), np.full(3, 0.05))
        fade(ground, view, light)
        canvas.lay(ground)
        rows = canvas.image[:, 80].mean(axis=1)
        assert (np.diff(rows[36:]) < 1e-3).all(), "from the sky down it only gets darker"


def test_no_foot_of_a_pole_hangs_in_the_sky():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        canvas, horizon = Canvas.blank(HIGH, WIDE), 0.97 * HIGH
        paint_foreground(rng, canvas, sample_sky(rng), horizon, NOTHING | {"pole": 1.0})
        if canvas.cover.max() > 0.5:
            assert canvas.cover[int(horizon) :].max() > 0.1


def test_what_lies_behind_the_camera_is_cut_off():
    view = View(focal=100.0, middle=64.0, horizon=36.0)
    canvas = Canvas(np.zeros((HIGH, WIDE, 3), np.float32))
    texture = np.ones((8, 8, 3), np.float32)
    paint_panel(canvas, view, Panel(texture, (5.0, -20.0), (5.0, NEAR / 2), 0.0, 4.0))
    assert canvas.cover.max() == 0
    paint_panel(canvas, view, Panel(texture, (5.0, 30.0), (5.0, -20.0), 0.0, 4.0))
    assert canvas.cover[:, :60].max() == 0, "a wall on the right stays on the right"
    assert canvas.cover[36, -1] == 1 and canvas.cover[36].mean() > 0.2


def test_a_lane_narrows_to_the_vanishing_point():
    view = View(focal=100.0, middle=64.0, horizon=20.0, eye=2.0)
    canvas = Canvas(np.zeros((HIGH, WIDE, 3), np.float32))
    paint_lane(canvas, view, (-1.0, 1.0), np.ones(3))
    widths = (canvas.cover > 0.5).sum(axis=1)
    assert widths[:20].max() == 0
    for row in (30, 50, 70):
        assert widths[row] == pytest.approx(row + 0.5 - 20, abs=2), "2 m wide from 2 m above: as wide as deep"


def test_a_street_moves_with_its_camera():
    rng = np.random.default_rng(4)
    sky = sample_sky(rng, "clear")
    street = build_street(rng, sky, 16)
    covers = []
    for z in (0.0, 0.0, 3.0):
        canvas = Canvas(np.ones((HIGH, WIDE, 3), np.float32))
        view = View(focal=110.0, middle=64.0, horizon=36.0, z=z)
        paint_street(np.random.default_rng(0), canvas, view, sky.light, street)
        covers.append(canvas.cover)
    assert np.array_equal(covers[0], covers[1]) and not np.array_equal(covers[0], covers[2])
