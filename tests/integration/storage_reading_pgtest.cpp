// Pages of answers: their limits, what many repeated changes do to them, and reading ahead.
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "storage/read_ahead.hpp"
#include "storage_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;

class ReadingFixture : public StorageFixture {
 public:
  static std::string id_of(int i) { return fmt::format("f{:03}", i); }
  void update_all(int features, std::int64_t lanes, const std::string& name = "a") {
    std::vector<TestChange> list;
    for (int i = 0; i < features; ++i) list.push_back(upsert(id_of(i), point_state(i, lanes, name)));
    must(publish(list));
  }
};

TEST_CASE("a diff over more superseded changes than one page of their names holds is exact") {
  ReadingFixture f;
  constexpr int kFeatures = 60;
  constexpr std::int64_t kVersions = 6;
  for (std::int64_t v = 1; v <= kVersions; ++v) f.update_all(kFeatures, v);
  const storage::PageLimits limits = GENERATE(storage::PageLimits{1, 1}, storage::PageLimits{500, 7},
                                              storage::PageLimits{1 << 20, 3}, storage::PageLimits{});
  const std::int64_t from = GENERATE(0, 1, 4);
  INFO("pages of " << limits.rows << " rows and " << limits.bytes << " bytes, from " << from);
  const auto entries = f.diff(from, kVersions, false, limits);
  REQUIRE(entries.size() == kFeatures);
  for (int i = 0; i < kFeatures; ++i) {
    CHECK(entries[static_cast<std::size_t>(i)].id == ReadingFixture::id_of(i));
    CHECK(entries[static_cast<std::size_t>(i)].version == kVersions);
    CHECK(entries[static_cast<std::size_t>(i)].op ==
          (from == 0 ? feature::EntryOp::kInsert : feature::EntryOp::kUpdate));
  }
}

TEST_CASE("large states before end a page of a diff, and the next goes on after what it gave") {
  ReadingFixture f;
  constexpr int kFeatures = 20;
  constexpr std::size_t kLarge = 10'000;
  f.update_all(kFeatures, 1, std::string(kLarge, 'x'));
  f.update_all(kFeatures, 2, "small");
  f.update_all(kFeatures, 3, "small");
  auto reader = storage::read_diff(f.pool_, f.dataset_.id, 1, 3, true, {4 * kLarge, 1000});
  std::vector<feature::Entry> all;
  for (bool more = true; more;) {
    std::vector<feature::Entry> page;
    more = must(reader->next(page));
    CHECK(page.size() <= 5);
    all.insert(all.end(), page.begin(), page.end());
  }
  REQUIRE(all.size() == kFeatures);
  for (int i = 0; i < kFeatures; ++i) {
    CHECK(all[static_cast<std::size_t>(i)].id == ReadingFixture::id_of(i));
    CHECK(all[static_cast<std::size_t>(i)].before.size() > kLarge);
  }
}

TEST_CASE("a change that was undone within the range is no entry, also when everything before it is asked for") {
  ReadingFixture f;
  f.update_all(3, 1);
  f.update_all(3, 2);
  must(f.publish({upsert("f000", point_state(0, 1))}));
  must(f.publish({deletion("f001"), upsert("new", point_state(9, 9))}));
  must(f.publish({deletion("new")}));
  const bool before = GENERATE(false, true);
  const auto entries = f.diff(1, f.head(), before);
  REQUIRE(entries.size() == 2);  // f000 is as it was, "new" came and went
  CHECK(entries[0].id == "f002");
  CHECK(entries[0].op == feature::EntryOp::kUpdate);
  CHECK(entries[1].id == "f001");
  CHECK(entries[1].op == feature::EntryOp::kDelete);
}

/// Pages made beforehand; an empty one in the middle, and a failure after the last if there is one.
class MadePages : public storage::PageReader {
 public:
  MadePages(std::vector<int> sizes, absl::Status failure) : sizes_(std::move(sizes)), failure_(std::move(failure)) {}
  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override {
    if (page_ == sizes_.size()) return failure_;
    for (int i = 0; i < sizes_[page_]; ++i) {
      entries.emplace_back();
      entries.back().id = fmt::format("{}.{}", page_, i);
    }
    ++page_;
    if (page_ < sizes_.size()) return true;
    return !failure_.ok();
  }

 private:
  std::vector<int> sizes_;
  absl::Status failure_;
  std::size_t page_ = 0;
};

TEST_CASE("reading ahead gives the same entries in the same order, empty pages and none at all included") {
  const std::vector<int> sizes = GENERATE(std::vector<int>{3, 0, 2, 0, 0, 1}, std::vector<int>{0}, std::vector<int>{2});
  storage::ReadAhead reader(std::make_unique<MadePages>(sizes, absl::OkStatus()));
  std::vector<std::string> expected;
  for (std::size_t page = 0; page < sizes.size(); ++page) {
    for (int i = 0; i < sizes[page]; ++i) expected.push_back(fmt::format("{}.{}", page, i));
  }
  std::vector<std::string> found;
  for (bool more = true; more;) {
    std::vector<feature::Entry> entries;
    more = must(reader.next(entries));
    for (const auto& entry : entries) found.push_back(entry.id);
  }
  CHECK(found == expected);
}

TEST_CASE("reading ahead passes a failure on after everything before it, and may be given up at any moment") {
  storage::ReadAhead reader(std::make_unique<MadePages>(std::vector<int>{1, 1}, absl::UnavailableError("gone")));
  std::vector<feature::Entry> entries;
  CHECK(must(reader.next(entries)));
  CHECK(must(reader.next(entries)));
  CHECK(entries.size() == 2);
  const bool to_the_end = GENERATE(true, false);
  if (to_the_end) CHECK(absl::IsUnavailable(reader.next(entries).status()));
}

}  // namespace
