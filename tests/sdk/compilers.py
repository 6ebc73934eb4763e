"""The compilers that connectors are built with. One that is missing is a failure, not a skip."""
import shutil
import sys

C_STANDARDS = ("c99", "c11", "c17")
CXX_STANDARDS = ("c++11", "c++14", "c++17", "c++20")


def find(*names: str) -> str:
    for name in names:
        if shutil.which(name):
            return name
    sys.exit(f"none of these compilers is installed: {', '.join(names)}; scripts/setup test installs them")


def c_compilers() -> dict[str, str]:
    return {"gcc": find("gcc"), "clang": find("clang-19", "clang")}


def cxx_compilers() -> dict[str, str]:
    return {"gcc": find("g++"), "clang": find("clang++-19", "clang++")}
