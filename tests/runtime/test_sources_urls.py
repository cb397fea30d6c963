"""What is secret in an address is shown nowhere."""

import pytest

from src.errors import UserError
from src.runtime.video.source import open_source
from src.runtime.video.sources.urls import is_stream, is_url, redacted, shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://user:secret@10.0.0.1:554/ch1", "rtsp://***@10.0.0.1:554/ch1"),
        ("rtsp://user:se@cr/et@10.0.0.1/ch1", "rtsp://***@10.0.0.1/ch1"),
        ("rtsp://user:sec ret's@host/ch1", "rtsp://***@host/ch1"),
        ("rtsp://user@host/ch1?channel=1&password=secret", "rtsp://***@host/ch1?channel=***&password=***"),
        ("https://host/a.mp4?token=secret&x-amz-signature=se/cret#t=5", "https://host/a.mp4?token=***&x-amz-signature=***#t=***"),
        ("rtmp://host/live?secret-key=a=secret", "rtmp://host/live?secret-key=***"),
        ("rtsp://10.0.0.1:554/user=admin&password=secret&channel=1&stream=0.sdp", "rtsp://10.0.0.1:554/user=***&password=***&channel=***&stream=***"),
        ("http://host/clip.mp4", "http://host/clip.mp4"),
    ],
)  # fmt: skip
def test_addresses_are_shown_without_their_secrets(url, expected):
    assert shown(url) == expected
    assert redacted(f"[Errno 5] failed: '{url}' (again)", url) == f"[Errno 5] failed: '{expected}' (again)"


def test_addresses_are_found_in_messages():
    message = "method DESCRIBE failed: rtsp://u:secret@h/1, then http://h/a?key=secret&b=c d; at a@b.c x=y?z=1"
    expected = "method DESCRIBE failed: rtsp://***@h/1, then http://h/a?key=***&b=*** d; at a@b.c x=y?z=1"
    assert redacted(message) == expected


def test_kinds_of_addresses():
    assert [is_url(text) for text in ("rtsp://a", "HTTP://a", "a.mp4", "/a/b.mp4", "0", "c:\\a.mp4")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert is_stream("RTSP://a/b")
    assert not is_stream("https://a/b.mp4")
    with pytest.raises(UserError, match="cannot be played") as caught:
        is_stream("gopher://user:secret@a/b")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "http"])
def test_a_server_that_is_not_there_is_refused_without_secrets(scheme):
    with pytest.raises(UserError, match="cannot be opened") as caught:
        open_source(f"{scheme}://user:secret@127.0.0.1:1/a?token=secret")  # port 1: nobody listens
    assert "secret" not in str(caught.value)
    assert caught.value.why == "Connection refused"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
