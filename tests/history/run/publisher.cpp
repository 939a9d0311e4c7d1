#include "history/run/publisher.hpp"

#include <optional>
#include <thread>

namespace lt::history {
namespace {

constexpr int kTwicePercent = 5;
constexpr int kHurriedPercent = 5;
constexpr int kGivenUpPercent = 40;  // of those whose outcome is unknown
constexpr int kReusePercent = 3;
constexpr int kStreamPercent = 35;
constexpr int kMaxTries = 50;
constexpr int kHurriedMs = 8;

class Publisher {
 public:
  explicit Publisher(const PublisherOptions& options)
      : options_(options),
        journal_(options.directory, options.name),
        client_(options.endpoint, journal_),
        planner_(client_, options.name, options.seed) {}

  void run(const std::atomic<bool>& stop) {
    while (!stop && commits_ < options_.commits) {
      const auto changeset = planner_.make_any();
      if (!changeset) continue;  // another publisher was in the way
      if (!changeset->dry_run && planner_.chance(kTwicePercent)) {
        publish_twice(*changeset);
      } else {
        publish(*changeset);
      }
      if (last_ && planner_.chance(kReusePercent)) client_.publish(planner_.with_other_content(*last_));
    }
  }

 private:
  PublishOptions any_options() {
    PublishOptions options;
    options.stream = planner_.chance(kStreamPercent);
    if (planner_.chance(kHurriedPercent)) options.limit = std::chrono::milliseconds(1 + planner_.pick(kHurriedMs));
    return options;
  }

  void note(const Changeset& changeset, const Answer& answer) {
    if (answer.outcome == Outcome::kOk && !changeset.dry_run) last_ = changeset;
    if (answer.made_version) ++commits_;
  }

  // As the documentation tells clients: the same changeset again until the outcome is known. Some give up.
  void publish(const Changeset& changeset) {
    for (int tries = 0; tries < kMaxTries; ++tries) {
      const auto answer = client_.publish(changeset, any_options());
      note(changeset, answer);
      if (!answer.may_retry) return;
      if (answer.outcome == Outcome::kUnknown && planner_.chance(kGivenUpPercent)) return;
    }
  }

  void publish_twice(const Changeset& changeset) {
    Answer second;
    const auto options = any_options();
    {
      const std::jthread other([&] { second = client_.publish(changeset); });
      client_.publish(changeset, options);
    }
    note(changeset, second);
    if (second.may_retry) publish(changeset);
  }

  PublisherOptions options_;
  Journal journal_;
  Client client_;
  Planner planner_;
  std::optional<Changeset> last_;
  int commits_ = 0;
};

}  // namespace

void run_publisher(const PublisherOptions& options, const std::atomic<bool>& stop) { Publisher(options).run(stop); }

}  // namespace lt::history
