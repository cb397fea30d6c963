import errno
import pickle

import pytest

from src.errors import EngineError, UserError, user_errors


def test_the_message_has_three_parts_and_no_traceback(capsys):
    with pytest.raises(SystemExit) as left, user_errors():
        raise UserError("x.mp4: no such file", "it was moved", "check the path")
    assert left.value.code == 2
    assert capsys.readouterr().err == "error: x.mp4: no such file\n  why: it was moved\n  fix: check the path\n"


@pytest.mark.parametrize(("error", "code"), [(EngineError("no engine"), 3), (KeyboardInterrupt(), 130)])
def test_exit_codes(error, code):
    with pytest.raises(SystemExit) as left, user_errors():
        raise error
    assert left.value.code == code


def test_what_the_system_refuses_of_a_file_is_a_message(capsys):
    with pytest.raises(SystemExit) as left, user_errors():
        raise PermissionError(errno.EACCES, "Permission denied", "/root/a.mp4")
    assert left.value.code == 2
    assert capsys.readouterr().err == "error: /root/a.mp4: Permission denied\n"


@pytest.mark.parametrize(
    "defect", [ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "none", "x"), OSError(errno.ENOSPC, "full")]
)
def test_a_defect_keeps_its_traceback(defect):
    with pytest.raises(type(defect)), user_errors():
        raise defect


def test_all_three_parts_cross_a_process_border():
    error = pickle.loads(pickle.dumps(EngineError("what", "why", "fix")))
    assert (type(error), error.what, error.why, error.fix) == (EngineError, "what", "why", "fix")
