#!/usr/bin/env python3
"""Makes packages with `plakar pkg new`, and uses them as an author does who has only that and the SDK.

    tests/sdk/scaffold.py BUILD_DIR PLAKAR DRIVE_PROGRAM [LANGUAGE]...

Every language and kind alone, and all kinds together, under names that are hard to make identifiers
of. Each is built without warnings, with gcc and with clang where that applies; its own test must
pass, and so must check_module.py, which drives it. What manifest and module say must be the same.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import compilers

HERE = pathlib.Path(__file__).resolve().parent
TEMPLATES = HERE.parents[1] / "sdk/template"
KINDS = ("storage", "importer", "exporter", "secret_provider", "inventory")
NAMES = ("test", "9-int--x", "class", "all", "a" * 47, "main")   # of targets, keywords, the longest


def run(*command, **more) -> str:
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


class Author:
    """Has the SDK, a compiler, and nothing of the environment that could help."""

    def __init__(self, scratch: pathlib.Path, build: str, plakar: str, drive: str):
        self.scratch, self.plakar, self.drive = scratch, plakar, drive
        self.sdk = scratch / "sdk"
        run("cmake", "--install", build, "--component", "sdk", "--prefix", scratch / "first")
        (scratch / "first").rename(self.sdk)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(scratch), "LC_ALL": "C",
                            "PKG_CONFIG_PATH": str(self.sdk / "share/pkgconfig"), "CARGO_NET_OFFLINE": "true"}
        for name in ("CARGO_HOME", "RUSTUP_HOME"):
            self.environment[name] = os.environ.get(name, str(pathlib.Path.home() / f".{name[:-5].lower()}"))

    def new(self, language: str, kinds: tuple[str, ...], name: str, where: str) -> pathlib.Path:
        directory = self.scratch / where
        directory.mkdir()
        answer = json.loads(run(self.plakar, "-json", "pkg", "new", "-lang", language, "-kind", ",".join(kinds), name,
                                cwd=directory, env=self.environment))
        project = directory / name
        found = sorted(p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file())
        if answer["files"] != found or answer["kinds"] != list(kinds):
            sys.exit(f"the answer {answer} is not what was made: {found}")
        for file in found:
            text = (project / file).read_text()
            if re.search("my[-_](template|kind)", text + file):
                sys.exit(f"{language} {kinds}: {file} has a placeholder that was not replaced")
        for schema in project.glob("schema/*"):
            json.loads(schema.read_text())
        return project

    def check(self, package: pathlib.Path, name: str, kinds: tuple[str, ...], quiet: bool = False) -> None:
        module, manifest = package / f"lib/{name}.so", package / "manifest.yaml"
        run(HERE / "check_module.py", module, "--manifest", manifest, "--drive", self.drive)
        text = manifest.read_text()
        listed = run(self.drive, module, "list").split()[1::2]
        if re.findall(r"^- id: (\S+)$", text, re.M) != listed or len(listed) != len(kinds):
            sys.exit(f"the manifest and the module {name} do not have the same connectors: {listed}")
        for path in re.findall(r"^  (?:library|validator): (\S+)$", text, re.M):
            if not (package / path).is_file():
                sys.exit(f"the manifest of {name} names {path}, which is not in the package")


def build_with_cmake(author: Author, project: pathlib.Path, name: str, kinds: tuple[str, ...], language: str) -> None:
    sets = compilers.c_compilers(), compilers.cxx_compilers()
    for compiler in sets[0]:
        tree = project.parent / f"build-{compiler}"
        run("cmake", "-G", "Ninja", "-S", project, "-B", tree, f"-DCMAKE_PREFIX_PATH={author.sdk}", "-Werror=dev",
            f"-DCMAKE_C_COMPILER={sets[0][compiler]}", f"-DCMAKE_C_FLAGS=-Werror",
            *([f"-DCMAKE_CXX_COMPILER={sets[1][compiler]}", "-DCMAKE_CXX_FLAGS=-Werror"] if language == "cpp" else []),
            env=author.environment)
        run("cmake", "--build", tree, env=author.environment)
        run("ctest", "--test-dir", tree, "--output-on-failure", "--no-tests=error", env=author.environment)
        author.check(tree / "package", name, kinds)
        print(f"ok {language} {','.join(kinds)} as {name}, {compiler}", flush=True)


def build_with_cargo(author: Author, project: pathlib.Path, name: str, kinds: tuple[str, ...]) -> None:
    environment = {**author.environment, "RUSTFLAGS": "-D warnings", "CARGO_TARGET_DIR": str(project.parent / "target")}
    run("sh", "package.sh", cwd=project, env=environment)
    run("cargo", "test", "--release", cwd=project, env=environment)
    author.check(project / "build/package", name, kinds)
    print(f"ok rust {','.join(kinds)} as {name}", flush=True)


def main() -> int:
    build, plakar, drive, *languages = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch_name:
        author = Author(pathlib.Path(scratch_name).resolve(), build, plakar, drive)
        shipped = author.sdk / "share/plakar/templates"
        for file in TEMPLATES.rglob("*"):
            if file.is_file() and not (shipped / file.relative_to(TEMPLATES)).is_file():
                sys.exit(f"{file} is not installed")
        for language in languages or ("c", "cpp", "rust"):
            if language == "rust" and not (shutil.which("cargo") and shutil.which("rustc")):
                print("SKIPPED: there is no rustc, so packages in Rust are not built", flush=True)
                continue
            for number, kinds in enumerate([*((kind,) for kind in KINDS), KINDS]):
                name = NAMES[number]
                project = author.new(language, kinds, name, f"{language}-{number}")
                if language == "rust":
                    build_with_cargo(author, project, name, kinds)
                else:
                    build_with_cmake(author, project, name, kinds, language)
                shutil.rmtree(project.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
