#include <nlohmann/json.hpp>
#include <set>

#include "catch.h"
#include "support.h"
#include "sweep/evaluation_folder.h"
#include "sweep/plan.h"
#include "sweep/sweep_file.h"

using namespace alertbench;

TEST_CASE("A shard is given as I/N", "[sweep]") {
  CHECK(Shard::parse("2/8") == Shard{2, 8});
  CHECK(Shard::parse("1/1").text() == "1 of 1");
  for (const char* bad : {"0/3", "4/3", "x", "", "/", "1/", "/2", "1/0", "-1/2", "+1/2", " 1/2", "1/2 ",
                          "1/2/3", "9999999999/2"}) {
    INFO(bad);
    check_says(message_of([&] { Shard::parse(bad); }), {std::string("--shard ") + bad, "--shard 2/8"});
  }
}

TEST_CASE("Every cell belongs to exactly one shard, and shards differ by one cell at most", "[sweep]") {
  for (int of = 1; of <= 9; ++of) {
    std::vector<size_t> sizes(static_cast<size_t>(of), 0);
    for (size_t cell = 0; cell < 7; ++cell) {
      int owners = 0;
      for (int i = 1; i <= of; ++i)
        if (Shard{i, of}.takes(cell)) ++owners, ++sizes[static_cast<size_t>(i - 1)];
      CHECK(owners == 1);
    }
    CHECK(sizes.front() - sizes.back() <= 1);
  }
}

TEST_CASE("Cells that differ have files that differ, with harmless names", "[sweep]") {
  std::set<std::string> paths;
  const std::vector<std::string> ids = {"w/a.b/c/seed-1",
                                        "w/a/b/c/seed-1",
                                        "w/../../x/seed-1",
                                        "w/\n*/x/seed-1",
                                        "",
                                        std::string(300, 'x') + "1",
                                        std::string(300, 'x') + "2"};
  for (const std::string& id : ids) {
    const std::string path = cell_path("F", id);
    paths.insert(path);
    CHECK(path.rfind("F/cells/", 0) == 0);
    CHECK(path.find('/', 8) == std::string::npos);
    CHECK(path.find('\n') == std::string::npos);
    CHECK(path.size() < 200);
  }
  CHECK(paths.size() == ids.size());
}

TEST_CASE("Messages that are kept name paths beside the sweep file", "[sweep]") {
  CHECK(without_folder("/a/b/r/x.npy: damaged", "/a/b") == "r/x.npy: damaged");
  CHECK(without_folder("./../r: no; list ./r", ".") == "../r: no; list r");
  CHECK(without_folder("x/a/b/r: no", "/a/b") == "x/a/b/r: no");
  CHECK(without_folder("a/a/r: no", "a") == "r: no");
}

TEST_CASE("A sweep file has defaults, and a plan survives its file", "[sweep]") {
  Folder folder;
  put(folder / "s.json",
      R"({"schema_version": "1.0", "kind": "sweep", "name": "n", "recordings": ["absent"]})");
  const SweepFile sweep = SweepFile::read(folder / "s.json");
  CHECK(sweep.tasks.size() == 2);
  CHECK(sweep.grid.deadlines * sweep.grid.levels == 36);
  CHECK(sweep.folder() == folder.path);
  const Plan plan = Plan::of(sweep, {2, 3});
  REQUIRE(plan.cells.size() == 2);
  CHECK(plan.cells[0].cell.id == "unknown/absent/min_energy/seed-0");
  CHECK(plan.cells[0].cell.failed == "absent: does not exist");
  plan.write(folder.path);
  const Plan again = Plan::read(folder / "plan.json");
  CHECK(again.to_json() == plan.to_json());
  CHECK(again.conflict(plan).empty());
  Plan other = again;
  other.grid.levels = 7;
  check_says(plan.conflict(other), {"grid", "x 6 levels", "x 7 levels"});
}

TEST_CASE("Recordings whose names are longer than a file's can be fail like others that are not there",
          "[sweep]") {
  SweepFile sweep;
  sweep.recordings = {std::string(300, 'a'), std::string(300, 'b')};
  const Plan plan = Plan::of(sweep, {1, 1});
  REQUIRE(plan.cells.size() == 4);
  for (const PlannedCell& c : plan.cells) CHECK(contains(c.cell.failed, "does not exist"));
}
