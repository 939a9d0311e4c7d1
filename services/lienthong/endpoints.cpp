#include "lienthong/endpoints.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <nlohmann/json.hpp>

#include "base/status.hpp"

namespace lt::cli {
namespace {

constexpr mode_t kOwnerOnly = 0600;

nlohmann::ordered_json address_or_null(const std::string& address) {
  if (address.empty()) return nullptr;
  return address;
}

bool write_whole_file(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerOnly);
  if (file < 0) return false;
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
  return close(file) == 0 && written;
}

}  // namespace

nlohmann::ordered_json endpoints_to_json(const Endpoints& endpoints) {
  nlohmann::ordered_json json;
  json["exchange"] = address_or_null(endpoints.exchange);
  json["validation"] = address_or_null(endpoints.validation);
  json["sync"] = address_or_null(endpoints.sync);
  json["connector"] = address_or_null(endpoints.connector);
  json["database"] = address_or_null(endpoints.database);
  json["metrics"] = address_or_null(endpoints.metrics);
  json["pid"] = endpoints.pid;
  return json;
}

std::string endpoints_path(const std::string& directory) { return directory + "/endpoints.json"; }

absl::Status write_endpoints(const std::string& directory, const Endpoints& endpoints) {
  const std::string path = endpoints_path(directory);
  const std::string draft = path + ".new";
  if (write_whole_file(draft, endpoints_to_json(endpoints).dump() + "\n") &&
      std::rename(draft.c_str(), path.c_str()) == 0) {
    return absl::OkStatus();
  }
  return make_error(absl::StatusCode::kUnavailable, "DATA_DIRECTORY",
                    "cannot write " + path + ": " + std::generic_category().message(errno));
}

void remove_endpoints(const std::string& directory) { unlink(endpoints_path(directory).c_str()); }

}  // namespace lt::cli
