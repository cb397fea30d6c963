"""The C++ library as other projects take it: installed, or inside their own tree."""

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.cpp.player import ROOT, built
from tests.runtime.clips import frame, horizon, horizon_in, read_mask

pytestmark = built

BUILD = ROOT / "cpp" / "build"
PROGRAM = """
#include <iostream>
#include <skyseg/skyseg.hpp>

int main(int, char** arguments) {
    auto engine = skyseg::Engine::open(arguments[1]);
    std::cout << engine.run(cv::Mat(40, 30, CV_8UC3, cv::Scalar(230, 150, 60))).labels.size() << std::endl;
}
"""


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=480, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def project(folder: Path, how: str) -> Path:
    """A project of one program over the library, of an older standard than the library's header needs."""
    folder.mkdir()
    (folder / "main.cpp").write_text(PROGRAM)
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(robot LANGUAGES CXX)\nset(CMAKE_CXX_STANDARD 14)\n"
        f"include(CTest)\n{how}\nadd_executable(robot main.cpp)\n"
        "target_link_libraries(robot PRIVATE skyseg::skyseg)\n"
    )
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Installed, and then moved."""
    made = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, "--prefix", made / "first")
    return (made / "first").rename(made / "moved")


def test_an_installed_library_is_found_and_linked(installed, binary_model, tmp_path):
    source = project(tmp_path / "robot", "find_package(skyseg 0.1 REQUIRED)")
    run("cmake", "-S", source, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={installed}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", tmp_path / "b")
    assert run(tmp_path / "b" / "robot", binary_model).strip() == "[30 x 40]"


def test_an_installed_player_finds_its_modules(installed, binary_model, tmp_path):
    cv2.imwrite(str(tmp_path / "a.jpg"), frame(5))
    player = installed / "bin" / "skyseg_play"
    run(player, "--images", tmp_path / "a.jpg", "--engine", binary_model, "--save-masks", tmp_path / "m")
    assert abs(horizon_in(read_mask(tmp_path / "m" / "a.png")) - horizon(5)) <= 2


def test_inside_another_project_there_is_the_library_alone(tmp_path):
    source = project(tmp_path / "robot", f"add_subdirectory({ROOT / 'cpp'} skyseg)")
    run("cmake", "-S", source, "-B", tmp_path / "b", f"-DSKYSEG_PYTHON={sys.executable}")
    targets = run("cmake", "--build", tmp_path / "b", "--target", "help")
    assert "... skyseg\n" in targets
    assert "skyseg_play" not in targets
    assert "skyseg_tests" not in targets
    assert "CMAKE_BUILD_TYPE:STRING=\n" in (tmp_path / "b" / "CMakeCache.txt").read_text()
