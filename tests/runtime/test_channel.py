import threading

import pytest

from src.runtime.video.channel import Broken, Channel


def test_what_is_held_comes_out_in_order_then_it_ends():
    channel = Channel([1, 2])
    channel.put(3)
    channel.end()
    assert list(channel) == [1, 2, 3]
    assert list(channel) == [], "it stays ended"
    with pytest.raises(Broken):
        channel.get()


def test_a_broken_channel_gives_and_takes_nothing():
    channel = Channel([1])
    channel.break_off()
    for use in (channel.get, lambda: channel.put(2), lambda: list(channel)):
        with pytest.raises(Broken):
            use()


@pytest.mark.parametrize("ends", ["end", "break_off"])
def test_whoever_waits_is_woken(ends):
    channel, found = Channel(), []

    def wait() -> None:
        try:
            found.extend(channel)
            found.append("ended")
        except Broken:
            found.append("broken")

    waiting = threading.Thread(target=wait)
    waiting.start()
    getattr(channel, ends)()
    waiting.join(240)
    assert found == [{"end": "ended", "break_off": "broken"}[ends]]


def test_who_waits_can_look_up_meanwhile():
    channel, looks = Channel(), []

    def look_up() -> None:
        looks.append(1)
        if len(looks) == 3:
            channel.put("late")
            channel.end()

    assert list(channel.items(meanwhile=look_up, every_s=0.001)) == ["late"]
    assert len(looks) == 3
