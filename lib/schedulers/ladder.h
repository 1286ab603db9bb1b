// The networks as an application controller sees them: a ladder from the most accurate to the fastest.
#pragma once

#include <vector>

#include "core/profile.h"

namespace alertbench {

struct Rung {
  int model = 0, stage = 1;
  double accuracy = 0;
  double speedup = 1;  // over the most accurate rung: its uncapped mean latency divided by this one's, >= 1
};

// Returns the rows of the profile (stages of anytime networks included) that no other row equals or beats in
// both accuracy and uncapped mean latency, the most accurate first: accuracy falls and speed-up rises from
// rung to rung. Of equal rows the first by name is kept. `least_accuracy` omits less accurate rows; if none
// is as accurate, the most accurate one is the only rung. Throws nothing; a profile without networks has no
// rungs.
std::vector<Rung> accuracy_ladder(const Profile& profile, double least_accuracy = 0);

}  // namespace alertbench
