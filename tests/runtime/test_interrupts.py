import ctypes
import signal
import sys
import threading

import pytest

from src.runtime.interrupts import heeding_interrupts, sigterm_is_ctrl_c

BOTH = (signal.SIGINT, signal.SIGTERM)


class SignalStack(ctypes.Structure):
    """stack_t, see sigaltstack(2)."""

    _fields_ = (("ss_sp", ctypes.c_void_p), ("ss_flags", ctypes.c_int), ("ss_size", ctypes.c_size_t))


@pytest.fixture(autouse=True)
def handlers_as_a_command_has_them():
    """Whatever started the tests may have ignored SIGINT; what ran before them may have left a stack for signals that
    is too small, or freed (`engines.openvino.shared_core`), and these tests are about neither."""
    if sys.platform == "linux":
        disable = 2
        ctypes.CDLL(None).sigaltstack(ctypes.byref(SignalStack(ss_flags=disable)), None)
    before = [(number, signal.getsignal(number)) for number in BOTH]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("first", BOTH)
@pytest.mark.parametrize("second", BOTH)
def test_the_first_signal_is_noted_and_the_second_breaks_off(first, second):
    with sigterm_is_ctrl_c(), heeding_interrupts() as interrupts:
        assert not interrupts.requested
        signal.raise_signal(first)
        assert interrupts.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(second)


def test_within_another_block_it_is_that_blocks_flag():
    with sigterm_is_ctrl_c(), heeding_interrupts() as outer:
        with heeding_interrupts() as inner:
            assert inner is outer
            signal.raise_signal(signal.SIGTERM)
        with heeding_interrupts() as later:
            assert later.requested, "what was noted before a run begins ends it"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_command_ends_by_sigterm_as_by_ctrl_c():
    with sigterm_is_ctrl_c(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_what_is_not_pythons_to_handle_is_left_alone():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with heeding_interrupts() as interrupts:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        signal.raise_signal(signal.SIGINT)
    assert not interrupts.requested
    with sigterm_is_ctrl_c(), heeding_interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.requested
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_outside_the_main_thread_nothing_changes():
    found = []

    def look() -> None:
        with sigterm_is_ctrl_c(), heeding_interrupts():
            found.extend(map(signal.getsignal, BOTH))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(240)
    assert found == [signal.default_int_handler, signal.SIG_DFL]
