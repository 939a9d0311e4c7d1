#include "history/windows.hpp"

#include <algorithm>

namespace lt::history {
namespace {

// kFeature tells a version at which the feature changed: the dataset had at least that one.
bool tells_version(const Seen& seen) { return seen.form != SeenForm::kReceipts; }

std::string at(const std::string& dataset, std::int64_t version) { return dataset + "@" + std::to_string(version); }

void check_order(const Transactions& transactions, const std::string& dataset, Report& report) {
  const Transaction* earliest = nullptr;  // acknowledged first of all later versions
  for (std::int64_t version = transactions.head(dataset); version >= 1; --version) {
    const auto* writer = transactions.writer(dataset, version);
    if (!writer) continue;
    if (earliest && earliest->acknowledged < writer->invoked) {
      report.add("real time",
                 "changeset " + earliest->changeset->id + " was acknowledged before " + writer->changeset->id +
                     " was sent, but has a later version than " + at(dataset, version),
                 {earliest->line, writer->submissions.front()->invoke_line});
    }
    if (!earliest || writer->acknowledged < earliest->acknowledged) earliest = writer;
  }
}

void check_read(const Read& read, const Seen& seen, const Windows& windows, Report& report) {
  const std::int64_t newest = windows.newest(seen.dataset, read.ended);
  if (seen.version > newest) {
    report.add("read from the future",
               at(seen.dataset, seen.version) + " was read when nobody had sent more than " + at(seen.dataset, newest),
               {read.end_line});
  }
  if (read.may_lag || seen.form == SeenForm::kFeature) return;
  const auto oldest = windows.oldest(seen.dataset, read.invoked);
  if (seen.version >= oldest.version) return;
  report.add("stale read",
             at(seen.dataset, seen.version) + " was read after " + at(seen.dataset, oldest.version) + " had been known",
             {oldest.line, read.end_line});
}

}  // namespace

Windows::Windows(const History& history, const Transactions& transactions) {
  for (const auto& transaction : transactions.all) {
    for (const auto& [dataset, version] : transaction.versions) {
      sent_[dataset].push_back({transaction.invoked, {version, transaction.line}});
      if (transaction.acknowledged == kNever) continue;
      known_[dataset].push_back({transaction.acknowledged, {version, transaction.line}});
    }
  }
  for (const auto& read : history.reads) {
    if (read.apart) continue;
    for (const auto& seen : read.seen) {
      if (tells_version(seen)) known_[seen.dataset].push_back({read.ended, {seen.version, read.end_line}});
    }
  }
  for (auto& [dataset, points] : known_) make_running_maximum(points);
  for (auto& [dataset, points] : sent_) make_running_maximum(points);
}

void Windows::make_running_maximum(std::vector<Point>& points) {
  std::sort(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.time < b.time; });
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (points[i].bound.version < points[i - 1].bound.version) points[i].bound = points[i - 1].bound;
  }
}

Windows::Bound Windows::last_before(const std::map<std::string, std::vector<Point>>& all, const std::string& dataset,
                                    std::int64_t time) {
  const auto found = all.find(dataset);
  if (found == all.end()) return {};
  const auto& points = found->second;
  const auto after = std::lower_bound(points.begin(), points.end(), time,
                                      [](const Point& point, std::int64_t t) { return point.time < t; });
  return after == points.begin() ? Bound{} : std::prev(after)->bound;
}

Windows::Bound Windows::oldest(const std::string& dataset, std::int64_t time) const {
  return last_before(known_, dataset, time);
}

std::int64_t Windows::newest(const std::string& dataset, std::int64_t time) const {
  return last_before(sent_, dataset, time).version;
}

void check_real_time(const History& history, const Transactions& transactions, const Windows& windows, Report& report) {
  for (const auto& [dataset, writers] : transactions.writers) check_order(transactions, dataset, report);
  for (const auto& read : history.reads) {
    for (const auto& seen : read.seen) {
      if (tells_version(seen)) check_read(read, seen, windows, report);
    }
  }
}

}  // namespace lt::history
