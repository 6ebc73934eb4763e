// What the outside world is to a piece of code: time, randomness, files, other programs.
// The composition root takes system_env() and passes it down; tests pass their own, and so
// own time and break disks. Nothing below main() reaches for the system by itself.
//
// A bundle of references, cheap to copy; the four outlive everything that holds one.
#pragma once

namespace plakar {

class Clock;
class FileSystem;
class Processes;
class Random;

struct Env {
  Clock& clock;
  Random& random;
  FileSystem& files;
  Processes& processes;
};

Env system_env() noexcept;

}  // namespace plakar
