// The reader process.
#include <array>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "chaos/clients.hpp"
#include "chaos/content.hpp"
#include "chaos/copy_file.hpp"
#include "chaos/journal.hpp"
#include "chaos/model.hpp"
#include "client/client.hpp"

namespace lt::chaos {
namespace {

constexpr std::chrono::milliseconds kPollPause{15};
constexpr std::chrono::milliseconds kRetryPause{100};
/// A snapshot is compared with the copy each so many steps that brought something.
constexpr int kCompareEach = 25;

class ReaderProcess {
 public:
  ReaderProcess(ClientOptions options, Journal journal) : options_(std::move(options)), journal_(std::move(journal)) {}

  absl::Status run() {
    for (int i = 0; i < kDatasets; ++i) {
      LT_ASSIGN_OR_RETURN(files_[static_cast<std::size_t>(i)], CopyFile::load(reader_copy(options_.directory, i)));
    }
    while (!stop_wanted()) {
      for (int i = 0; i < kDatasets; ++i) {
        const absl::Status status = step(i);
        if (status.ok()) continue;
        // Compacted while the diff was being read: the next step starts from nothing.
        const bool compacted = error_reason(status) == "HISTORY_COMPACTED";
        if (!may_retry(status) && !compacted) return annotate(status, "the reader");
        LT_RETURN_IF_ERROR(journal_.write({{"retry", dataset_name(i)}, {"reason", error_reason(status)}}));
        client_.reset();
        std::this_thread::sleep_for(kRetryPause);
      }
      std::this_thread::sleep_for(kPollPause);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status step(int dataset) {
    if (!client_) {
      LT_ASSIGN_OR_RETURN(
          auto client, client::Client::connect({.endpoint = options_.endpoint, .organisation = std::string(kOwner)}));
      client_ = std::move(client);
    }
    CopyFile& file = files_[static_cast<std::size_t>(dataset)];
    const std::int64_t before = file.version();
    const int renewals = file.renewals();
    LT_RETURN_IF_ERROR(file.advance(*client_, dataset_name(dataset)));
    if (file.renewals() > renewals) LT_RETURN_IF_ERROR(journal_.write({{"renewed", file.version()}}));
    if (file.version() == before) return absl::OkStatus();
    LT_RETURN_IF_ERROR(journal_.write({{"dataset", dataset_name(dataset)}, {"version", file.version()}}));
    return ++steps_ % kCompareEach == 0 ? compare(dataset) : absl::OkStatus();
  }

  absl::Status compare(int dataset) {
    const CopyFile& file = files_[static_cast<std::size_t>(dataset)];
    const auto read = [&]() -> absl::StatusOr<Copy> {
      LT_ASSIGN_OR_RETURN(auto reader, client_->snapshot(dataset_name(dataset), file.version()));
      return read_copy(reader);
    };
    const auto snapshot = read();
    // Compacted since the diff was read.
    if (error_reason(snapshot.status()) == "HISTORY_COMPACTED") return journal_.write({{"compacted", file.version()}});
    LT_RETURN_IF_ERROR(snapshot.status());
    const std::string text = difference("the reader's copy", file.copy(), "the snapshot", *snapshot);
    if (!text.empty()) {
      return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION",
                        fmt::format("{} at version {}: {}", dataset_name(dataset), file.version(), text));
    }
    return journal_.write({{"compared", file.version()}});
  }

  const ClientOptions options_;
  Journal journal_;
  std::optional<client::Client> client_;
  std::array<CopyFile, kDatasets> files_;
  int steps_ = 0;
};

}  // namespace

absl::Status run_reader(const ClientOptions& options) {
  LT_ASSIGN_OR_RETURN(auto journal, Journal::open(reader_journal(options.directory)));
  return ReaderProcess(options, std::move(journal)).run();
}

}  // namespace lt::chaos
