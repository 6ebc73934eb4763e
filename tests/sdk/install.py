#!/usr/bin/env python3
"""Installs the SDK to a place of its own and uses it as a stranger does.

    tests/sdk/install.py BUILD_DIR DRIVE_PROGRAM

The installed tree is moved, the examples are copied out of this repository, and each is built there:
with find_package(PlakarSDK) alone, and with pkg-config and a compiler alone, by gcc and by clang. What
comes out must pass check_module.py, which drives it.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import compilers

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
PROJECTS = {"c-store": "example-store", "cpp-source": "example-source"}


def run(*command, **more) -> str:
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def main() -> int:
    build, drive = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = pathlib.Path(scratch_name)
        run("cmake", "--install", build, "--component", "sdk", "--prefix", scratch / "first")
        sdk = scratch / "second"
        (scratch / "first").rename(sdk)
        found = sorted(p.relative_to(sdk / "include").as_posix() for p in (sdk / "include").rglob("*.h*"))
        if found != ["plakar/connector.h", "plakar/connector.hpp"]:
            sys.exit(f"the installed headers are {found}")

        # Nothing of the environment may help.
        clean = {"PATH": os.environ["PATH"], "HOME": str(scratch), "LC_ALL": "C",
                 "PKG_CONFIG_PATH": str(sdk / "share/pkgconfig")}
        for project, module in PROJECTS.items():
            source = scratch / project
            shutil.copytree(EXAMPLES / project, source)
            cxx = project.startswith("cpp")
            for name, compiler in (compilers.cxx_compilers() if cxx else compilers.c_compilers()).items():
                tree = scratch / f"{project}-{name}"
                language = "CXX" if cxx else "C"
                run("cmake", "-G", "Ninja", "-S", source, "-B", tree, f"-DCMAKE_PREFIX_PATH={sdk}", "-Werror=dev",
                    f"-DCMAKE_{language}_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Release",
                    f"-DCMAKE_{language}_FLAGS=-Werror", env=clean)
                run("cmake", "--build", tree, env=clean)
                built = tree / f"package/lib/{module}.so"
                run(HERE / "check_module.py", built, "--manifest", tree / "package/manifest.yaml", "--drive", drive)
                print(f"ok {project}, cmake, {name}")

                by_hand = scratch / f"{project}-{name}.so"
                variable = "module_ldflags_cxx" if cxx else "module_ldflags"
                flags = run("pkg-config", "--cflags", "plakar-sdk", env=clean).split()
                ending = run("pkg-config", f"--variable={variable}", "plakar-sdk", env=clean).split()
                run(compiler, "-shared", "-O2", "-Wall", "-Werror", "-std=gnu++17" if cxx else "-std=gnu11", *flags,
                    "-o", by_hand, *sorted((source / "src").iterdir()), *ending, env=clean)
                run(HERE / "check_module.py", by_hand, "--manifest", source / "manifest.yaml", "--drive", drive)
                print(f"ok {project}, pkg-config, {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
