#!/usr/bin/env python3
"""The data sets that backup programs are compared on. Standard library only.

  datasets.py make DIRECTORY SET [--scale F]    makes DIRECTORY/SET
  datasets.py edit DIRECTORY SET                turns it into what it is a day later, in place
  datasets.py revert DIRECTORY SET              puts bytes, names and times back
  datasets.py digest DIRECTORY SET              one SHA-256 over names, types, links and contents

source-tree  40,000 files, 560 MB: program-like text in sizes of a log-normal distribution
             (median 4.8 KB, mean 14 KB), 5 % structured binary files, 3 % copies of others,
             1 % symbolic links, some empty files, in 3,300 directories.
big          2 GiB that nothing compresses, in 4 files.
vm           one image of 2 GiB: 30 % zeros (written, not holes), 30 % copies of earlier content
             from and to unaligned offsets (64 KiB to 16 MiB), the rest text, structures, noise.
many         a million files of 8 to 200 bytes, all different, 1,000 a directory.

A day later 1 % of the files of source-tree have other lines, 0.5 % other names, 0.25 % are gone
and 0.25 % are new; of vm 100 blocks of 4 KiB differ, and 12,345 bytes are inserted at 37 %.
Everything untouched keeps inode, mtime and ctime, which is what incremental backups look at.

What is made depends on the scale only, never on the machine; `digest` shows it.
"""
import argparse
import functools
import hashlib
import json
import math
import mmap
import multiprocessing
import os
import pathlib
import random
import shutil
import struct
import sys

from tools import many_path

MIB = 1 << 20
MADE = 1_700_000_000  # when the files of a set were last changed, by their own account
A_DAY_LATER = MADE + 86400
MANY_FILES = 1_000_000  # of the set "many" at scale 1

# ---- text and structures

SYLLABLES = (
    "al an ar as at be ca ce ch co con cur da de di do e el en er ex fi fo ge gr ha he hi i id im in int io is it ke key la "
    "le li lo ma me mi mo na ne ni no nu ob of on op or ou pa pe ph pl po pr pro qu ra re res ri ro sa se si so st sub ta te ti "
    "to tr tu ty un up us va ve vi wa we wi x y ze").split()
ENGLISH = (
    "the of and to in is that for it as with be by on not this are or an from at which if you can must may file will when "
    "data value used set has only returns one no other all each new name error size list type function key default number "
    "buffer string object same been should first option pointer however where called current then block into see use length "
    "index two more state line time than does any path without these given whether directory system memory call following").split()


@functools.cache
def vocabulary() -> tuple[list[str], list[float]]:
    """Words, and their frequencies added up: few are common, most are rare."""
    rng = random.Random(0xC0FFEE)
    words, seen = [], set()
    while len(words) < 30000:
        word = "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3, 3, 4))))
        if rng.random() < .35:
            word += "_" + "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((1, 2, 3))))
        if word not in seen:
            seen.add(word)
            words.append(word)
    frequencies, total = [], 0.0
    for i in range(len(words)):
        total += 1.0 / (i + 8)
        frequencies.append(total)
    return words, frequencies


C = ["    if (%s->%s == NULL)\n        return -EINVAL;\n", "    %s = %s(%s, %s);\n",
     "static int %s_%s(struct %s *%s, size_t %s)\n{\n", "    return %s;\n}\n\n", "    /* %s %s %s %s */\n",
     "#define %s_%s  0x%s\n", "    for (i = 0; i < %s->%s; i++) {\n        %s[i] = %s;\n    }\n", "    %s->%s = %s;\n",
     "extern void %s(const char *%s, int %s);\n", "#include <%s/%s.h>\n", "    case %s: %s += %s; break;\n",
     " * @%s: %s %s %s %s\n", "        goto err_%s;\n", "    uint32_t %s;\n",
     "    printk(KERN_INFO \"%s: %s %%d\\n\", %s);\n"]
PYTHON = ["    def %s(self, %s, %s=None):\n", "        self.%s = %s\n",
          "        if %s is None:\n            raise ValueError(\"%s %s %s\")\n", "from %s.%s import %s\n",
          "        return self.%s.%s(%s)\n", "    \"\"\"%s %s %s %s %s.\"\"\"\n",
          "        for %s in %s.%s():\n            %s.append(%s)\n", "class %s(%s):\n", "    @%s\n",
          "        %s = [%s for %s in %s if %s]\n", "    assert %s == %s, %s\n", "# %s %s %s %s\n"]
PROSE = ["%s %s %s %s %s %s %s\n", "%s %s %s %s %s %s %s %s %s\n%s %s %s %s %s.\n\n", "## %s %s\n\n",
         "- `%s`: %s %s %s %s\n", "* %s (%s) %s %s\n"]
DATA = ["  \"%s\": {\n    \"%s\": \"%s\",\n    \"%s\": %s\n  },\n",
        "    <li class=\"%s\"><a href=\"/%s/%s.html\">%s</a></li>\n", "  \"%s\": \"%s-%s\",\n",
        "<option id=\"%s\" value=\"%s\">%s %s</option>\n", "  { \"id\": %s, \"%s\": [\"%s\", \"%s\"] },\n"]
LANGUAGES = [(C, .45, ".c"), (PYTHON, .25, ".py"), (PROSE, .18, ".md"), (DATA, .12, ".json")]
LICENCE = (
    "/* Licensed under the terms of the example licence; you may not use this file except in\n"
    " * compliance with it.  Unless required by applicable law or agreed to in writing, the\n"
    " * software is distributed on an \"AS IS\" basis, WITHOUT WARRANTIES OF ANY KIND.\n */\n\n")


def choose_language(rng: random.Random) -> int:
    x = rng.random()
    for number, (_, share, _) in enumerate(LANGUAGES):
        if x < share:
            return number
        x -= share
    return 0


def make_text(rng: random.Random, size: int, language: int | None = None) -> bytes:
    """Text that compresses as programs do: a file has words and lines of its own, and repeats them."""
    if size <= 0:
        return b""
    if language is None:
        language = choose_language(rng)
    templates = LANGUAGES[language][0]
    known, frequencies = vocabulary()
    words = rng.choices(known, cum_weights=frequencies, k=28 + int(math.sqrt(size) / 2))
    if LANGUAGES[language][0] is PROSE:
        words = words[:len(words) // 3] + rng.choices(ENGLISH, k=len(words))
    numbers = [str(rng.getrandbits(rng.choice((3, 6, 10, 16, 32)))) for _ in range(max(6, len(words) // 5))]
    words = words + words[:len(words) // 4] * 2 + numbers
    blanks = [template.count("%s") for template in templates]
    choices = list(range(len(templates)))
    parts, length, recent = [], 0, []
    if size > 1500 and rng.random() < .6:
        parts.append(LICENCE)
        length = len(LICENCE)
    while length < size:
        for choice in rng.choices(choices, k=64):
            if recent and rng.random() < .12:
                line = recent[rng.getrandbits(16) % len(recent)]
            else:
                line = templates[choice] % tuple(rng.choices(words, k=blanks[choice]))
                if len(recent) < 400:
                    recent.append(line)
                else:
                    recent[rng.getrandbits(16) % 400] = line
            parts.append(line)
            length += len(line)
            if length >= size:
                break
    return "".join(parts).encode()[:size]


def make_structures(rng: random.Random, size: int) -> bytes:
    """Tables of records with slow counters, small differences and some noise."""
    record = struct.Struct("<QIHBB")
    parts, length = [], 0
    while length < size:
        base, step, rows = rng.getrandbits(31), rng.randrange(4, 64), rng.randrange(200, 2000)
        noise = rng.randbytes(rows * 4)
        kinds = rng.choices(range(8), k=rows)
        table = b"".join(
            record.pack(base + i * step, noise[4 * i] | noise[4 * i + 1] << 8, kinds[i] * 257, noise[4 * i + 2] & 15, 0)
            for i in range(rows))
        parts.append(table)
        length += len(table)
    return b"".join(parts)[:size]


def write_file(path: str, content: bytes, time: int) -> None:
    with open(path, "wb") as out:
        out.write(content)
    os.utime(path, (time, time))


# ---- source-tree

def plan_tree(scale: float) -> tuple[list[str], list[tuple]]:
    """Directories, and files as (number, name, kind, size, age)."""
    rng = random.Random("plan:1")
    words, _ = vocabulary()
    file_count = max(50, int(40000 * scale))
    depths = {".": 0}
    directories = ["."]
    for i in range(max(8, file_count // 12)):
        while True:
            parent = directories[int(len(directories) * rng.random() ** 1.3)]
            if depths[parent] < 8:
                break
        name = (parent + "/" if parent != "." else "") + rng.choice(words) + (str(i % 10) if rng.random() < .3 else "")
        if name in depths:
            name += f"_{i}"
        depths[name] = depths[parent] + 1
        directories.append(name)
    files = []
    for i in range(file_count):
        parent = directories[int(len(directories) * rng.random())]
        x = rng.random()
        size = int(min(4 * MIB, rng.lognormvariate(math.log(4900), 1.47)))
        if x < .005:
            kind, size, extension = "empty", 0, ".keep"
        elif x < .015 and i > 100:
            kind, extension = "link", ".lnk"
        elif x < .045 and i > 100:
            kind, extension = "copy", ".copy"
        elif x < .095:
            kind, extension = "structures", ".bin"
        else:
            kind = "text"
            extension = rng.choices([l[2] for l in LANGUAGES], weights=[l[1] for l in LANGUAGES])[0]
        name = (parent + "/" if parent != "." else "") + f"{rng.choice(words)}_{i}{extension}"
        files.append((i, name, kind, size, rng.randrange(0, 30_000_000)))
    return directories, files


def write_tree_files(job: tuple) -> None:
    root, files = job
    for number, name, kind, size, age in files:
        rng = random.Random(f"f:1:{number}")
        content = b""
        if kind == "text":
            language = next(k for k, l in enumerate(LANGUAGES) if name.endswith(l[2]))
            content = make_text(rng, size, language)
        elif kind == "structures":
            content = make_structures(rng, size)
        path = os.path.join(root, name)
        write_file(path, content, MADE - age)
        os.chmod(path, 0o755 if number % 23 == 0 else 0o644)


def make_tree(root: str, scale: float, pool) -> None:
    directories, files = plan_tree(scale)
    for directory in directories:
        os.makedirs(os.path.join(root, directory), exist_ok=True)
    own = [f for f in files if f[2] in ("text", "structures", "empty")]
    pool.map(write_tree_files, [(root, own[i:i + 250]) for i in range(0, len(own), 250)])
    originals = [f for f in own if f[2] != "empty"]
    rng = random.Random("dup:1")
    for _, name, kind, _, age in files:
        path = os.path.join(root, name)
        if kind == "copy":
            shutil.copyfile(os.path.join(root, rng.choice(originals)[1]), path)
            os.utime(path, (MADE - age, MADE - age))
        elif kind == "link":
            os.symlink(os.path.relpath(os.path.join(root, rng.choice(originals)[1]), os.path.dirname(path)), path)
    for directory in sorted(directories, key=len, reverse=True):
        os.utime(os.path.join(root, directory), (MADE, MADE))


def regular_files(root: str) -> list[str]:
    found = []
    for directory, below, names in os.walk(root):
        below.sort()
        paths = [os.path.join(directory, name) for name in sorted(names)]
        found += [os.path.relpath(path, root) for path in paths if not os.path.islink(path)]
    return found


def edited(rng: random.Random, name: str, content: bytes) -> bytes:
    if name.endswith(".bin"):
        at = rng.randrange(len(content))
        other = rng.randbytes(min(256, len(content) - at))
        return content[:at] + other + content[at + len(other):]
    lines = content.split(b"\n")
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(lines))
        line = make_text(rng, rng.randrange(20, 120), 0).replace(b"\n", b" ")
        lines[at:at + (rng.random() < .5)] = [line]
    return b"\n".join(lines)


def rewrite(path: str, content: bytes) -> None:
    """In the same inode, as editors that do not rename do it."""
    with open(path, "r+b") as out:
        out.truncate(0)
        out.write(content)


def edit_tree(root: str, undo: str) -> dict:
    rng = random.Random("mut:1")
    times = {os.path.relpath(d, root): os.stat(d).st_mtime_ns for d, _, _ in os.walk(root)}
    directories = sorted(times)
    files = regular_files(root)
    one, half, quarter = len(files) // 100, len(files) // 200, len(files) // 400
    chosen = rng.sample([f for f in files if os.path.getsize(os.path.join(root, f)) > 64], one + half + quarter)
    log = {"directories": times, "changed": [], "renamed": [], "deleted": [], "added": []}
    for name in chosen[:one]:
        path = os.path.join(root, name)
        log["changed"].append((name, os.stat(path).st_mtime_ns))
        content = pathlib.Path(path).read_bytes()
        write_file(os.path.join(undo, f"changed-{len(log['changed'])}"), content, MADE)
        rewrite(path, edited(rng, name, content))
        os.utime(path, (A_DAY_LATER, A_DAY_LATER))
    for number, name in enumerate(chosen[one:one + half]):
        parent = rng.choice(directories) if rng.random() < .5 else os.path.dirname(name)
        to = os.path.normpath(os.path.join(parent, f"moved_{number}_{os.path.basename(name)}"))
        os.rename(os.path.join(root, name), os.path.join(root, to))
        log["renamed"].append((name, to))
    for name in chosen[one + half:]:
        log["deleted"].append(name)
        os.rename(os.path.join(root, name), os.path.join(undo, f"deleted-{len(log['deleted'])}"))
    for number in range(quarter):
        name = os.path.normpath(os.path.join(rng.choice(directories), f"added_{number}.c"))
        size = int(min(MIB, rng.lognormvariate(math.log(4900), 1.47)))
        write_file(os.path.join(root, name), make_text(rng, size, 0), A_DAY_LATER)
        log["added"].append(name)
    return log


def revert_tree(root: str, undo: str, log: dict) -> None:
    for name in log["added"]:
        os.unlink(os.path.join(root, name))
    for number, name in enumerate(log["deleted"], 1):
        os.rename(os.path.join(undo, f"deleted-{number}"), os.path.join(root, name))
    for name, to in log["renamed"]:
        os.rename(os.path.join(root, to), os.path.join(root, name))
    for number, (name, time) in enumerate(log["changed"], 1):
        rewrite(os.path.join(root, name), pathlib.Path(undo, f"changed-{number}").read_bytes())
        os.utime(os.path.join(root, name), ns=(time, time))
    for name, time in log["directories"].items():
        os.utime(os.path.join(root, name), ns=(time, time))


# ---- big

def write_noise(job: tuple) -> None:
    path, number, size = job
    rng = random.Random(f"big:1:{number}")
    with open(path, "wb") as out:
        for at in range(0, size, MIB):
            out.write(rng.randbytes(min(MIB, size - at)))
    os.utime(path, (MADE, MADE))


def make_big(root: str, scale: float, pool) -> None:
    os.makedirs(root)
    pool.map(write_noise, [(f"{root}/random-{k}.dat", k, int(512 * MIB * scale)) for k in range(4)])


# ---- vm

def make_extent(job: tuple) -> bytes:
    number, kind, size = job
    rng = random.Random(f"vm:1:{number}")
    if kind == "structures":
        return make_structures(rng, size)
    if kind == "noise":
        return rng.randbytes(size)
    parts, left = [], size
    while left:
        length = min(left, int(rng.lognormvariate(math.log(20000), 1.2)) + 64)
        parts.append(make_text(rng, length))
        left -= length
    return b"".join(parts)


def plan_image(rng: random.Random, size: int, scale: float) -> list[tuple[int, int, str]]:
    """Extents as (offset, size, kind); the kind that lags behind its share is likely to come next."""
    left = {"zero": int(size * .30), "copy": int(size * .30)}
    left["fresh"] = size - left["zero"] - left["copy"]
    extents, at = [], 0
    while at < size:
        something_to_copy = at >= 48 * MIB * min(scale, 1)
        kinds = [k for k in left if left[k] > 0 and (k != "copy" or something_to_copy)] or [k for k in left if left[k] > 0]
        kind = rng.choices(kinds, weights=[left[k] for k in kinds])[0]
        low, high = (64 << 10, 16 * MIB) if kind == "copy" else (4 << 10, 4 * MIB)
        length = min(int(math.exp(rng.uniform(math.log(low), math.log(high)))), left[kind], size - at)
        left[kind] -= length
        if kind == "fresh":
            kind = rng.choices(("text", "structures", "noise"), weights=(55, 30, 15))[0]
        extents.append((at, length, kind))
        at += length
    return extents


def make_image(root: str, scale: float, pool) -> None:
    os.makedirs(root)
    path = os.path.join(root, "image.raw")
    size = int(2048 * MIB * scale)
    rng = random.Random("vmplan:1")
    extents = plan_image(rng, size, scale)
    jobs = [(number, kind, length) for number, (_, length, kind) in enumerate(extents) if kind not in ("zero", "copy")]
    fresh = pool.imap(make_extent, jobs, chunksize=4)
    with open(path, "w+b") as out:
        out.truncate(size)
        with mmap.mmap(out.fileno(), size) as image:
            written = []
            for at, length, kind in extents:
                if kind == "zero":
                    image[at:at + length] = bytes(length)
                elif kind == "copy":
                    # From within content, not from within zeros.
                    start = rng.randrange(0, at - length) if at > length else 0
                    if written:
                        near, near_length = written[rng.randrange(len(written))]
                        start = min(max(0, near + rng.randrange(near_length) - length // 4), max(0, at - length))
                    whole = image[start:min(start + length, at)]
                    image[at:at + length] = (whole * (length // max(1, len(whole)) + 1))[:length]
                else:
                    image[at:at + length] = next(fresh)
                    written.append((at, length))
    os.utime(path, (MADE, MADE))


def edit_image(root: str, undo: str) -> dict:
    path = os.path.join(root, "image.raw")
    rng = random.Random("mut:1")
    size = os.path.getsize(path)
    at, inserted = int(size * .37) + 11, rng.randbytes(12345)
    blocks = sorted(rng.sample(range(size // 4096 - 1), min(100, size // 8192)))
    with open(path, "r+b") as image, open(os.path.join(undo, "blocks"), "wb") as saved:
        for block in blocks:
            saved.write(os.pread(image.fileno(), 4096, block * 4096))
            os.pwrite(image.fileno(), rng.randbytes(4096), block * 4096)
        image.truncate(size + len(inserted))
        with mmap.mmap(image.fileno(), size + len(inserted)) as memory:
            memory.move(at + len(inserted), at, size - at)
            memory[at:at + len(inserted)] = inserted
    os.utime(path, (A_DAY_LATER, A_DAY_LATER))
    return {"size": size, "at": at, "length": len(inserted), "blocks": blocks}


def revert_image(root: str, undo: str, log: dict) -> None:
    path = os.path.join(root, "image.raw")
    size, at, length = log["size"], log["at"], log["length"]
    with open(path, "r+b") as image, open(os.path.join(undo, "blocks"), "rb") as saved:
        with mmap.mmap(image.fileno(), size + length) as memory:
            memory.move(at, at + length, size - at)
        image.truncate(size)
        for block in log["blocks"]:
            os.pwrite(image.fileno(), saved.read(4096), block * 4096)
    os.utime(path, (MADE, MADE))


# ---- many

def write_many(job: tuple) -> None:
    directory, first, count = job
    rng = random.Random(f"many:{first}")
    os.makedirs(directory)
    for number in range(first, first + count):
        with open(f"{directory}/file_{number:08d}.txt", "wb") as out:
            out.write(b"%d " % number + rng.randbytes(rng.randrange(4, 96)).hex().encode())


def make_many(root: str, scale: float, pool) -> None:
    count = max(1, round(MANY_FILES * scale))
    jobs = [(os.path.join(root, os.path.dirname(many_path(first))), first, min(1000, count - first))
            for first in range(0, count, 1000)]
    for _ in pool.imap_unordered(write_many, jobs):
        pass


# ---- all of them

MAKERS = {"source-tree": make_tree, "big": make_big, "vm": make_image, "many": make_many}
EDITORS = {"source-tree": (edit_tree, revert_tree), "vm": (edit_image, revert_image)}


def measure(root: str) -> dict:
    sizes = [os.path.getsize(os.path.join(root, name)) for name in regular_files(root)]
    return {"files": len(sizes), "bytes": sum(sizes)}


def make(directory: str, name: str, scale: float) -> None:
    """A set that is there already is kept. One of another scale, or half of one, is made anew."""
    root, about = os.path.join(directory, name), os.path.join(directory, name + ".json")
    if os.path.exists(about) and json.loads(pathlib.Path(about).read_text())["scale"] == scale:
        return
    pathlib.Path(about).unlink(missing_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(root + ".undo", ignore_errors=True)
    os.makedirs(directory, exist_ok=True)
    vocabulary()  # Once, and not in each worker.
    with multiprocessing.get_context("fork").Pool() as pool:
        MAKERS[name](root, scale, pool)
    pathlib.Path(about).write_text(json.dumps({"scale": scale} | measure(root)))


def edit(directory: str, name: str) -> None:
    root, undo = os.path.join(directory, name), os.path.join(directory, name + ".undo")
    os.makedirs(undo)
    log = EDITORS[name][0](root, undo)
    pathlib.Path(undo, "log.json").write_text(json.dumps(log))


def revert(directory: str, name: str) -> None:
    """Without effect on a set that was not edited."""
    root, undo = os.path.join(directory, name), os.path.join(directory, name + ".undo")
    if not os.path.exists(undo):
        return
    log = pathlib.Path(undo, "log.json")
    if not log.exists():
        sys.exit(f"{root} was left half edited: remove it and {undo}")
    EDITORS[name][1](root, undo, json.loads(log.read_text()))
    shutil.rmtree(undo)


def digest(root: str) -> str:
    whole = hashlib.sha256()
    for directory, below, names in os.walk(root):
        below.sort()
        whole.update(f"D {os.path.relpath(directory, root)}\n".encode())
        for path in (os.path.join(directory, name) for name in sorted(names)):
            name = os.path.relpath(path, root)
            if os.path.islink(path):
                whole.update(f"L {name} {os.readlink(path)}\n".encode())
                continue
            one = hashlib.sha256()
            with open(path, "rb") as content:
                while block := content.read(4 * MIB):
                    one.update(block)
            whole.update(f"F {name} {os.path.getsize(path)} {one.hexdigest()}\n".encode())
    return whole.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["make", "edit", "revert", "digest"])
    parser.add_argument("directory")
    parser.add_argument("set", choices=list(MAKERS))
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args()
    if args.action == "make":
        make(args.directory, args.set, args.scale)
    elif args.action == "edit":
        edit(args.directory, args.set)
    elif args.action == "revert":
        revert(args.directory, args.set)
    else:
        print(digest(os.path.join(args.directory, args.set)))


if __name__ == "__main__":
    main()
