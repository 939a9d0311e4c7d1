// The checker finds each kind of violation in a history made for it, and nothing in a history without.
#include <catch2/catch.hpp>

#include "history/log_maker.hpp"

namespace lt::history {
namespace {

using Kinds = std::set<std::string>;

// Both datasets with one feature each, and what everything else builds on.
void add_first_versions(LogMaker& log) {
  log.insert("a1", {1, 2}, {put("a", "x", "x1"), put("a", "y", "y1"), put("a", "n", "n0", 0)}, {{"a", 1}});
  log.insert("b1", {3, 4}, {put("b", "z", "z1")}, {{"b", 1}});
}
Json first_state() { return {{"x", value("x1")}, {"y", value("y1")}, {"n", value("n0")}}; }

}  // namespace

TEST_CASE("a history that keeps every promise has no violation") {
  LogMaker log;
  add_first_versions(log);
  log.commit("t2", {5, 9}, {put("a", "x", "x2"), put("b", "z", "z2")}, {{"a", 2}, {"b", 2}}, {{"updated", "2"}});
  log.update("t3", {6, 8}, {based(put("a", "n", "n1", 1), 1, "n0")}, {{"a", 3}});
  log.sent("t4", 10, log.changeset("t4", {based(put("a", "n", "n2", 1), 1, "n0")}));
  log.refused("t4", 11, "VERSION_CONFLICT", {{"feature_id", "n"}, {"found_version", "3"}});
  log.sent("t5", 12, log.changeset("t5", {put("a", "lost", "l1")}));
  log.unknown("t5", 13);
  log.commit("t6", {14, 15}, {remove("a", "y")}, {{"a", 4}}, {{"deleted", "1"}});
  log.read({16, 17}, {state("a", 4, {{"x", value("x2")}, {"n", value("n1", 1)}}), state("b", 2, {{"z", value("z2")}})});
  log.read({16, 18}, {{{"dataset", "a"},
                       {"from", 1},
                       {"version", 4},
                       {"diff", {{"U", "x", 2, value("x2")}, {"U", "n", 3, value("n1", 1)}, {"D", "y", 4, nullptr}}}}});
  log.read({16, 18}, {{{"dataset", "a"}, {"from", 3}, {"version", 4}, {"changes", {{"D", "y", 4, nullptr}}}}});
  log.read({16, 18}, {{{"dataset", "a"}, {"id", "x"}, {"feature", {2, value("x2")}}}});
  log.read({16, 18}, {{{"dataset", "a"}, {"id", "y"}, {"feature", nullptr}}});
  const auto report = log.report();
  for (const auto& violation : report.violations) UNSCOPED_INFO(violation.kind << ": " << violation.message);
  REQUIRE(report.violations.empty());
  REQUIRE(report.counts.at("commits") == 5);
  REQUIRE(report.counts.at("commits of several datasets") == 1);
  REQUIRE(report.counts.at("refused VERSION_CONFLICT") == 1);
  REQUIRE(report.counts.at("read reader") == 5);
}

TEST_CASE("an empty history has no violation and says that nothing happened") {
  const auto report = LogMaker().report();
  REQUIRE(report.violations.empty());
  REQUIRE(report.counts.at("operations") == 0);
}

TEST_CASE("G0: two changesets that write two datasets in opposite order are found") {
  LogMaker log;
  add_first_versions(log);
  const auto one = log.changeset("t2", {put("a", "x", "x2"), put("b", "z", "z2")});
  const auto two = log.changeset("t3", {put("a", "x", "x3"), put("b", "z", "z3")});
  log.sent("t2", 5, one);
  log.sent("t3", 5, two);
  log.acknowledged("t2", 9, log.receipt("t2", {{"a", 2}, {"b", 3}}, {{"updated", "2"}}));
  log.acknowledged("t3", 9, log.receipt("t3", {{"a", 3}, {"b", 2}}, {{"updated", "2"}}));
  const auto report = log.report();
  REQUIRE(log.kinds().contains("G0"));
  const auto cycle = std::find_if(report.violations.begin(), report.violations.end(),
                                  [](const Violation& violation) { return violation.kind == "G0"; });
  REQUIRE(cycle->lines.size() == 2);
  REQUIRE(cycle->message.find("t2 --was replaced by (") != std::string::npos);
}

TEST_CASE("G1a: a value of a refused changeset that is read is found") {
  LogMaker log;
  add_first_versions(log);
  log.sent("t2", 5, log.changeset("t2", {based(put("a", "x", "x2"), 1, "x1")}));
  log.refused("t2", 6, "VERSION_CONFLICT", {{"feature_id", "x"}});
  auto features = first_state();
  features["x"] = value("x2");
  log.read({7, 8}, {state("a", 1, features)});
  REQUIRE(log.kinds().contains("G1a"));
}

TEST_CASE("G1a: a value of a dry run that is read is found") {
  LogMaker log;
  add_first_versions(log);
  auto dry = log.changeset("t2", {put("a", "x", "x2")});
  dry["dry_run"] = true;
  log.sent("t2", 5, dry);
  log.acknowledged("t2", 6,
                   {{"changeset_id", "t2"},
                    {"changed", true},
                    {"datasets", {{{"dataset", "a"}, {"version", "1"}}}},
                    {"counts", {{"updated", "1"}}}});
  auto features = first_state();
  log.read({7, 8}, {state("a", 1, features)});
  REQUIRE(log.kinds().empty());
  features["x"] = value("x2");
  log.read({9, 10}, {state("a", 1, features)});
  REQUIRE(log.kinds() == Kinds{"G1a"});
}

TEST_CASE("G1b: a value that its own changeset replaced is found when it is read") {
  LogMaker log;
  add_first_versions(log);
  auto twice = log.changeset("t2", {put("a", "x", "x2"), put("a", "x", "x3")});
  twice["collapse_repeated"] = true;
  log.sent("t2", 5, twice);
  log.acknowledged("t2", 6, log.receipt("t2", {{"a", 2}}, {{"updated", "1"}, {"collapsed", "1"}}));
  REQUIRE(log.kinds().empty());
  auto features = first_state();
  features["x"] = value("x2");
  log.read({7, 8}, {state("a", 2, features)});
  REQUIRE(log.kinds() == Kinds{"G1b"});
}

TEST_CASE("G1c: two changesets that each saw the other's value are found") {
  LogMaker log;
  add_first_versions(log);
  log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2"), based(put("b", "w", "w2"), 9, "z3")}));
  log.sent("t3", 5, log.changeset("t3", {put("b", "z", "z3")}));
  // t2 comes before t3 in b, but names a value of t3 as the one it saw: z3 written under w by a broken exchange.
  log.acknowledged("t2", 9, log.receipt("t2", {{"a", 2}, {"b", 2}}, {{"updated", "1"}, {"inserted", "1"}}));
  log.acknowledged("t3", 9, log.receipt("t3", {{"b", 3}}, {{"updated", "1"}}));
  REQUIRE_FALSE(log.kinds().contains("G1c"));  // z3 is a value of z, not of w

  LogMaker circle;
  add_first_versions(circle);
  circle.sent("t2", 5, circle.changeset("t2", {put("a", "y", "y2"), based(put("b", "z", "z2"), 9, "z3")}));
  circle.sent("t3", 5, circle.changeset("t3", {put("b", "z", "z3")}));
  circle.acknowledged("t2", 9, circle.receipt("t2", {{"a", 2}, {"b", 2}}, {{"updated", "2"}}));
  circle.acknowledged("t3", 9, circle.receipt("t3", {{"b", 3}}, {{"updated", "1"}}));
  REQUIRE(circle.kinds().contains("G1c"));
}

TEST_CASE("a reader that sees a later value and misses an earlier one is found as a cycle") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 30}, {put("a", "x", "x2")}, {{"a", 2}});
  log.update("t3", {6, 30}, {put("a", "y", "y3")}, {{"a", 3}});
  auto features = first_state();
  features["y"] = value("y3");
  log.read({7, 8}, {state("a", 3, features)});
  REQUIRE(log.kinds() == Kinds{"wrong read", "G-single"});
}

TEST_CASE("two readers that disagree about the order of two datasets are found as a cycle") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 30}, {put("a", "x", "x2")}, {{"a", 2}});
  log.update("t3", {6, 30}, {put("b", "z", "z2")}, {{"b", 2}});
  log.read({7, 20}, {head("a", 2), head("b", 1)}, true);
  log.read({8, 20}, {head("a", 1), head("b", 2)}, true);
  REQUIRE(log.kinds() == Kinds{"G2"});
}

TEST_CASE("a lost update is found: two increments of the same value were both acknowledged") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 9}, {based(put("a", "n", "n1", 1), 1, "n0")}, {{"a", 2}});
  log.update("t3", {6, 9}, {based(put("a", "n", "n2", 1), 1, "n0")}, {{"a", 3}});
  REQUIRE(log.kinds() == Kinds{"lost update", "conflict missed"});
}

TEST_CASE("a lost update is found by the values alone, when the base_version itself was not broken") {
  LogMaker log;
  add_first_versions(log);
  // The exchange had given t3 an old value together with a new version.
  log.update("t2", {5, 9}, {based(put("a", "x", "x2"), 1, "x1")}, {{"a", 2}});
  log.update("t3", {6, 9}, {based(put("a", "x", "x3"), 2, "x1")}, {{"a", 3}});
  REQUIRE(log.kinds() == Kinds{"lost update"});
}

TEST_CASE("a changeset accepted in spite of a conflict is found") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 6}, {put("a", "x", "x2")}, {{"a", 2}});
  auto change = put("a", "x", "x3");
  change["base_version"] = 1;
  log.update("t3", {7, 8}, {change}, {{"a", 3}});
  REQUIRE(log.kinds() == Kinds{"conflict missed"});
}

TEST_CASE("a changeset refused for a conflict that there was not is found") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 6}, {put("a", "x", "x2")}, {{"a", 2}});
  auto change = put("a", "y", "y2");
  change["base_version"] = 1;
  log.sent("t3", 7, log.changeset("t3", {change}));
  log.refused("t3", 8, "VERSION_CONFLICT", {{"feature_id", "y"}, {"found_version", "2"}});
  REQUIRE(log.kinds() == Kinds{"unjustified refusal"});
}

TEST_CASE("a refusal may be for what happened while the changeset was on its way") {
  LogMaker log;
  add_first_versions(log);
  auto change = put("a", "x", "x3");
  change["base_version"] = 1;
  log.sent("t3", 5, log.changeset("t3", {change}));
  log.update("t2", {6, 9}, {put("a", "x", "x2")}, {{"a", 2}});
  log.refused("t3", 8, "VERSION_CONFLICT", {{"feature_id", "x"}, {"found_version", "2"}});
  REQUIRE(log.kinds().empty());
  log.sent("t4", 3, log.changeset("t4", {change}));
  log.refused("t4", 5, "VERSION_CONFLICT", {{"feature_id", "x"}, {"found_version", "2"}});
  REQUIRE(log.kinds() == Kinds{"unjustified refusal", "malformed log"});  // t2 had not been sent; x3 is sent twice
}

TEST_CASE("a list of conflicts that leaves one out is found") {
  for (const bool complete : {true, false}) {
    LogMaker log;
    add_first_versions(log);
    log.update("t2", {5, 6}, {put("a", "x", "x2"), put("a", "y", "y2")}, {{"a", 2}});
    auto x = put("a", "x", "x3");
    auto y = put("a", "y", "y3");
    x["base_version"] = y["base_version"] = 1;
    log.sent("t3", 7, log.changeset("t3", {x, y}));
    Json conflicts{{{"dataset", "a"}, {"id", "x"}, {"kind", "V"}, {"found", 2}}};
    if (complete) conflicts.push_back({{"dataset", "a"}, {"id", "y"}, {"kind", "V"}, {"found", 2}});
    log.line({{"event", "refused"},
              {"op", "t3"},
              {"at", 8},
              {"reason", "VERSION_CONFLICT"},
              {"metadata", {{"feature_id", "x"}, {"found_version", "2"}}},
              {"conflicts", conflicts}});
    REQUIRE(log.kinds() == (complete ? Kinds{} : Kinds{"conflicts differ"}));
  }
}

TEST_CASE("a commit of two datasets of which one read shows a half is found") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 9}, {put("a", "x", "x2"), put("b", "z", "z2")}, {{"a", 2}, {"b", 2}});
  SECTION("in the heads") {
    log.read({6, 7}, {head("a", 2), head("b", 1)}, true);
    REQUIRE(log.kinds() == Kinds{"partial commit", "G-single"});
  }
  SECTION("in the states") {
    auto features = first_state();
    features["x"] = value("x2");
    log.read({6, 7}, {state("a", 2, features), state("b", 1, {{"z", value("z1")}})});
    REQUIRE(log.kinds() == Kinds{"partial commit", "G-single"});
  }
}

TEST_CASE("a commit of which a read of one dataset shows a half is found") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 9}, {put("a", "x", "x2"), put("a", "y", "y2")}, {{"a", 2}});
  SECTION("in a state") {
    auto features = first_state();
    features["x"] = value("x2");
    log.read({6, 7}, {state("a", 2, features)});
    REQUIRE(log.kinds().contains("partial commit"));
  }
  SECTION("in a diff") {
    log.read({6, 7}, {{{"dataset", "a"}, {"from", 1}, {"version", 2}, {"diff", {{"U", "x", 2, value("x2")}}}}});
    REQUIRE(log.kinds() == Kinds{"partial commit"});
  }
  SECTION("in changes") {
    log.read({6, 7}, {{{"dataset", "a"}, {"from", 1}, {"version", 2}, {"changes", {{"U", "y", 2, value("y2")}}}}});
    REQUIRE(log.kinds() == Kinds{"partial commit"});
  }
}

TEST_CASE("a pair that differs between two datasets is found") {
  LogMaker log;
  log.insert("t1", {1, 2}, {put("a", "p", "pa1", 1), put("b", "p", "pb1", 1)}, {{"a", 1}, {"b", 1}});
  REQUIRE(log.kinds().empty());
  log.update("t2", {3, 4}, {put("a", "p", "pa2", 2)}, {{"a", 2}});
  REQUIRE(log.kinds() == Kinds{"partial commit"});
}

TEST_CASE("a version that nobody wrote is found as a hole") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 6}, {put("a", "x", "x2")}, {{"a", 3}});
  REQUIRE(log.kinds().contains("hole"));
}

TEST_CASE("a version with two changesets is found") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 9}, {put("a", "x", "x2")}, {{"a", 2}});
  log.update("t3", {6, 9}, {put("a", "y", "y3")}, {{"a", 2}});
  REQUIRE(log.kinds().contains("two writers"));
}

TEST_CASE("an order that contradicts real time is found") {
  LogMaker log;
  add_first_versions(log);
  log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2")}));
  log.sent("t3", 7, log.changeset("t3", {put("a", "y", "y3")}));
  const auto third = log.receipt("t3", {{"a", 2}}, {{"updated", "1"}});
  log.acknowledged("t2", 6, log.receipt("t2", {{"a", 3}}, {{"updated", "1"}}));
  log.acknowledged("t3", 8, third);
  const auto found = log.kinds();
  REQUIRE(found.contains("real time"));
  REQUIRE(found.contains("real time cycle"));
}

TEST_CASE("a read that misses what was acknowledged before it is found, unless it may lag") {
  for (const bool may_lag : {false, true}) {
    LogMaker log;
    add_first_versions(log);
    log.update("t2", {5, 6}, {put("a", "x", "x2")}, {{"a", 2}});
    log.read({7, 8}, {state("a", 1, first_state())}, may_lag);
    REQUIRE(log.kinds() == (may_lag ? Kinds{} : Kinds{"stale read", "real time cycle"}));
  }
}

TEST_CASE("a standby may lag behind its primary and be ahead of it, but never show a half") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 20}, {put("a", "x", "x2"), put("b", "z", "z2")}, {{"a", 2}, {"b", 2}});
  const auto on_standby = [&](Times times, const std::vector<Json>& seen) {
    const std::string op = "s" + std::to_string(times.from);
    log.line({{"event", "invoke"}, {"op", op}, {"at", times.from}, {"read", "standby"}, {"apart", true}});
    log.line({{"event", "ok"}, {"op", op}, {"at", times.to}, {"seen", seen}});
  };
  on_standby({6, 7}, {head("a", 2), head("b", 2)});
  log.read({8, 9}, {head("a", 1), head("b", 1)});
  on_standby({21, 22}, {head("a", 1), head("b", 1)});
  REQUIRE(log.kinds().empty());
  on_standby({23, 24}, {head("a", 1), head("b", 2)});
  REQUIRE(log.kinds().contains("partial commit"));
}

TEST_CASE("a standby and its primary may show independent commits in different orders, each in one order of its own") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 20}, {put("a", "x", "x2")}, {{"a", 2}});
  log.update("t3", {5, 20}, {put("b", "z", "z2")}, {{"b", 2}});
  const auto on_standby = [&](Times times, const std::vector<Json>& seen) {
    const std::string op = "s" + std::to_string(times.from);
    log.line({{"event", "invoke"}, {"op", op}, {"at", times.from}, {"read", "standby"}, {"apart", true}});
    log.line({{"event", "ok"}, {"op", op}, {"at", times.to}, {"seen", seen}});
  };
  log.read({6, 7}, {head("a", 2), head("b", 1)});
  on_standby({8, 9}, {head("a", 1), head("b", 2)});
  REQUIRE(log.kinds().empty());
  on_standby({10, 11}, {head("a", 2), head("b", 1)});
  REQUIRE(log.kinds() == Kinds{"G2"});
}

TEST_CASE("a feature that is read as it was before an acknowledged change is found") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 6}, {put("a", "x", "x2")}, {{"a", 2}});
  log.read({7, 8}, {{{"dataset", "a"}, {"id", "x"}, {"feature", {1, value("x1")}}}});
  REQUIRE(log.kinds() == Kinds{"wrong read", "real time cycle"});
}

TEST_CASE("a read of a version before anybody sent it is found") {
  LogMaker log;
  add_first_versions(log);
  auto features = first_state();
  features["x"] = value("x2");
  log.read({5, 6}, {state("a", 2, features)});
  log.update("t2", {7, 8}, {put("a", "x", "x2")}, {{"a", 2}});
  REQUIRE(log.kinds().contains("read from the future"));
}

TEST_CASE("a value that nobody wrote is found") {
  LogMaker log;
  add_first_versions(log);
  auto features = first_state();
  features["ghost"] = value("g1");
  log.read({5, 6}, {state("a", 1, features)});
  REQUIRE(log.kinds().contains("unwritten value"));
}

TEST_CASE("a feature that is missing, left over or wrong in a read is found") {
  LogMaker log;
  add_first_versions(log);
  log.commit("t2", {5, 6}, {remove("a", "y")}, {{"a", 2}}, {{"deleted", "1"}});
  auto features = first_state();
  std::string expected = "wrong read";
  SECTION("left over") {}
  SECTION("missing, with all that its commit wrote") { features = Json::object(); }
  SECTION("missing alone") {
    features.erase("y");
    features.erase("x");
    expected = "partial commit";
  }
  SECTION("with a wrong number") {
    features.erase("y");
    features["x"] = value("x1", 7);
    expected = "partial commit";
  }
  log.read({7, 8}, {state("a", 2, features)});
  REQUIRE(log.kinds().contains(expected));
}

TEST_CASE("entries in another order, or with another version or op, are found") {
  const Json x{"U", "x", 2, value("x2")};
  const Json y{"U", "y", 3, value("y3")};
  for (const auto& entries : {Json::array({y, x}), Json::array({{"I", "x", 2, value("x2")}, y}),
                              Json::array({{"U", "x", 3, value("x2")}, y}), Json::array({x, y, y})}) {
    LogMaker log;
    add_first_versions(log);
    log.update("t2", {5, 6}, {put("a", "x", "x2")}, {{"a", 2}});
    log.update("t3", {7, 8}, {put("a", "y", "y3")}, {{"a", 3}});
    log.read({9, 10}, {{{"dataset", "a"}, {"from", 1}, {"version", 3}, {"diff", entries}}});
    REQUIRE(log.kinds() == Kinds{"wrong read"});
  }
}

TEST_CASE("a changeset in doubt is there when its value is read, and must be whole then") {
  LogMaker log;
  add_first_versions(log);
  log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2"), put("a", "y", "y2")}));
  log.unknown("t2", 6);
  log.read({7, 8}, {{{"dataset", "a"}, {"id", "x"}, {"feature", {2, value("x2")}}}});
  auto features = first_state();
  features["x"] = value("x2");
  features["y"] = value("y2");
  log.read({9, 10}, {state("a", 2, features)});
  REQUIRE(log.kinds().empty());
  features["y"] = value("y1");
  log.read({11, 12}, {state("a", 2, features)});
  REQUIRE(log.kinds() == Kinds{"partial commit", "G-single"});
}

TEST_CASE("one changeset_id that is accepted with two contents, or acknowledged with two receipts, is found") {
  LogMaker log;
  add_first_versions(log);
  const auto content = log.changeset("t2", {put("a", "x", "x2")});
  log.sent("one", 5, content);
  log.acknowledged("one", 6, log.receipt("t2", {{"a", 2}}, {{"updated", "1"}}));
  SECTION("two contents") {
    log.sent("two", 7, log.changeset("t2", {put("a", "x", "x3")}));
    log.acknowledged("two", 8, log.receipt("t2", {{"a", 3}}, {{"updated", "1"}}));
    REQUIRE(log.kinds().contains("id accepted twice"));
  }
  SECTION("two receipts") {
    log.sent("two", 7, content);
    log.acknowledged("two", 8, log.receipt("t2", {{"a", 3}}, {{"updated", "1"}}));
    REQUIRE(log.kinds().contains("receipt differs"));
  }
  SECTION("the other content is refused, as it must be") {
    log.sent("two", 7, log.changeset("t2", {put("a", "x", "x3")}));
    log.refused("two", 8, "CHANGESET_ID_REUSED");
    REQUIRE(log.kinds().empty());
  }
  SECTION("the first content is refused") {
    log.sent("two", 7, content);
    log.refused("two", 8, "CHANGESET_ID_REUSED");
    REQUIRE(log.kinds() == Kinds{"unjustified refusal"});
  }
}

TEST_CASE("a receipt whose digest, chain, counts or time is wrong is found") {
  LogMaker log;
  add_first_versions(log);
  log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2")}));
  auto receipt = log.receipt("t2", {{"a", 2}}, {{"updated", "1"}});
  std::string expected;
  SECTION("digest") {
    receipt["message"] = "added later";
    expected = "receipt digest";
  }
  SECTION("chain") {
    receipt["datasets"][0]["previous_digest"] = std::string(64, '0');
    LogMaker::seal(receipt);
    expected = "receipt chain";
  }
  SECTION("counts") {
    receipt["counts"] = {{"inserted", "1"}};
    LogMaker::seal(receipt);
    expected = "counts differ";
  }
  SECTION("time") {
    receipt["committed_at"] = "2026-01-01T00:00:10Z";
    LogMaker::seal(receipt);
    expected = "commit time";
  }
  log.acknowledged("t2", 6, receipt);
  REQUIRE(log.kinds() == Kinds{expected});
}

TEST_CASE("an acknowledged changeset that the exchange does not list, or lists though it was refused, is found") {
  LogMaker log;
  const auto first = log.insert("t1", {1, 2}, {put("a", "x", "x1")}, {{"a", 1}});
  SECTION("not listed") {
    log.read({3, 4}, {{{"receipts", Json::array()}}});
    REQUIRE(log.kinds() == Kinds{"lost commit"});
  }
  SECTION("refused") {
    log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2"), put("a", "x", "x3")}));
    log.refused("t2", 6, "DUPLICATE_ID");
    log.read({7, 8}, {{{"receipts", {first, log.receipt("t2", {{"a", 2}}, {{"updated", "1"}})}}}});
    REQUIRE(log.kinds() == Kinds{"phantom receipt"});
  }
  SECTION("in doubt: the list decides") {
    log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2")}));
    log.unknown("t2", 6);
    log.read({7, 8}, {{{"receipts", {first, log.receipt("t2", {{"a", 2}}, {{"updated", "1"}})}}}});
    log.read({9, 10}, {state("a", 2, {{"x", value("x2")}})});
    REQUIRE(log.kinds().empty());
    REQUIRE(log.report().counts.at("commits once in doubt") == 1);
  }
}

TEST_CASE("a snapshot deletes what it does not hold, and conflicts with what changed since its base_version") {
  LogMaker log;
  add_first_versions(log);
  auto resent = [](const std::string& id, const std::string& token) { return based(put("a", id, token), 1, token); };
  auto snapshot = log.changeset("t2", {resent("x", "x1"), put("a", "w", "w2"), resent("n", "n0")});
  snapshot["kind"] = "SNAPSHOT";
  snapshot["base_versions"] = {{"a", 1}};
  log.sent("t2", 5, snapshot);
  SECTION("accepted") {
    log.acknowledged("t2", 6, log.receipt("t2", {{"a", 2}}, {{"inserted", "1"}, {"deleted", "1"}, {"unchanged", "2"}}));
    log.read({7, 8}, {state("a", 2, {{"x", value("x1")}, {"w", value("w2")}, {"n", value("n0")}})});
    REQUIRE(log.kinds().empty());
  }
  SECTION("accepted over a change of a feature that it deletes") {
    log.update("t3", {5, 6}, {put("a", "y", "y3")}, {{"a", 2}});
    log.acknowledged("t2", 9, log.receipt("t2", {{"a", 3}}, {{"inserted", "1"}, {"deleted", "1"}, {"unchanged", "2"}}));
    REQUIRE(log.kinds().contains("conflict missed"));
  }
}

TEST_CASE("a partial update keeps what the commit before it wrote") {
  for (const int number : {7, 5}) {
    LogMaker log;
    log.insert("t1", {1, 2}, {put("a", "x", "x1", 5)}, {{"a", 1}});
    auto partial = put("a", "x", "x3", 0);
    partial["op"] = "U";
    partial["keep_number"] = true;
    log.update("t2", {3, 4}, {put("a", "x", "x2", 7)}, {{"a", 2}});
    log.update("t3", {3, 5}, {partial}, {{"a", 3}});
    log.read({6, 7}, {state("a", 3, {{"x", value("x3", number)}})});
    REQUIRE(log.kinds() == (number == 7 ? Kinds{} : Kinds{"wrong read"}));
  }
}

TEST_CASE("what is written to a log is read back the same") {
  Changeset changeset;
  changeset.id = "t1";
  changeset.dataset = "a";
  changeset.snapshot = changeset.skip_conflicts = changeset.allow_mass_delete = true;
  changeset.base_versions = {{"a", 3}};
  Change one{"a", "x", 'P', {"x1", 4}, false, 7, "x0"};
  Change two{"a", "y", 'D', {}, false, 3, ""};
  changeset.changes = {one, two};
  LogMaker log;
  log.sent("t1", 1, to_json(changeset));
  REQUIRE(log.history().submissions.at(0).changeset == changeset);
  changeset = {"t2", "b", false, true, false, true, false, {}, {{"a", "x", 'U', {"x2", 0}, true, {}, ""}}};
  log.sent("t2", 1, to_json(changeset));
  REQUIRE(log.history().submissions.at(1).changeset == changeset);
}

TEST_CASE("a skipped conflict is counted, listed and without effect") {
  LogMaker log;
  add_first_versions(log);
  log.update("t2", {5, 6}, {put("a", "x", "x2")}, {{"a", 2}});
  auto x = based(put("a", "x", "x3"), 1, "x1");
  auto y = based(put("a", "y", "y3"), 1, "y1");
  auto skipping = log.changeset("t3", {x, y});
  skipping["skip_conflicts"] = true;
  log.sent("t3", 7, skipping);
  const Json conflict{{"dataset", "a"}, {"id", "x"}, {"kind", "V"}, {"found", 2}};
  const auto end = [&](const Json& counts, const Json& conflicts) {
    log.line({{"event", "ok"},
              {"op", "t3"},
              {"at", 8},
              {"receipt", log.receipt("t3", {{"a", 3}}, counts)},
              {"conflicts", conflicts}});
  };
  SECTION("as it must be") {
    end({{"updated", "1"}, {"skipped", "1"}}, Json::array({conflict}));
    REQUIRE(log.kinds().empty());
  }
  SECTION("counted as an update") {
    end({{"updated", "2"}}, Json::array({conflict}));
    REQUIRE(log.kinds() == Kinds{"counts differ"});
  }
  SECTION("not listed") {
    end({{"updated", "1"}, {"skipped", "1"}}, Json::array());
    REQUIRE(log.kinds() == Kinds{"conflicts differ"});
  }
}

TEST_CASE("a changeset without effect that had one, and a dry run that says what it would not do, are found") {
  LogMaker log;
  add_first_versions(log);
  SECTION("without effect") {
    log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2")}));
    Json receipt{{"changeset_id", "t2"},
                 {"committed_at", "2026-01-01T00:01:00Z"},
                 {"datasets", {{{"dataset", "a"}, {"version", "1"}}}},
                 {"counts", {{"unchanged", "1"}}}};
    LogMaker::seal(receipt);
    log.acknowledged("t2", 6, receipt);
    REQUIRE(log.kinds().contains("effect without version"));
  }
  SECTION("dry run") {
    auto dry = log.changeset("t2", {put("a", "new", "x2")});
    dry["dry_run"] = true;
    log.sent("t2", 5, dry);
    log.acknowledged("t2", 6,
                     {{"changeset_id", "t2"},
                      {"changed", true},
                      {"datasets", {{{"dataset", "a"}, {"version", "1"}}}},
                      {"counts", {{"updated", "1"}}}});
    REQUIRE(log.kinds() == Kinds{"dry run differs"});
  }
}

TEST_CASE("deadlocks, operations that take too long and refusals that should not occur are found") {
  LogMaker log;
  add_first_versions(log);
  const std::string reason = GENERATE("SQL_DEADLOCK", "INTERNAL", "", "no end");
  log.sent("t2", 5, log.changeset("t2", {put("a", "x", "x2")}));
  if (reason.empty()) {
    const Json receipt = log.receipt("t2", {{"a", 2}}, {{"updated", "1"}});
    log.line({{"event", "ok"}, {"op", "t2"}, {"at", 31'000'000'000}, {"receipt", receipt}});
  } else if (reason != "no end") {
    log.refused("t2", 6, reason);
  }
  const Kinds expected{reason == "INTERNAL" ? "unexpected refusal" : reason == "SQL_DEADLOCK" ? "deadlock" : "stuck"};
  REQUIRE(log.kinds() == expected);
}

TEST_CASE("a log that is none is refused with its file and line") {
  for (const std::string text : {"{", "{\"event\":\"dance\"}", "{\"event\":\"ok\",\"op\":\"x\",\"at\":1,\"seen\":[]}",
                                 "{\"event\":\"invoke\",\"op\":\"x\",\"at\":1}"}) {
    History history;
    std::istringstream input("{\"event\":\"config\",\"datasets\":[]}\n" + text + "\n");
    const auto status = add_log(history, "some.jsonl", input);
    REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
    REQUIRE(message_of(status).find("some.jsonl:2: ") == 0);
  }
  REQUIRE(read_logs({"/nowhere/at/all.jsonl"}).status().code() == absl::StatusCode::kNotFound);
}

}  // namespace lt::history
