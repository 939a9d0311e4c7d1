#include "pg/detail/cluster_settings.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include <spdlog/fmt/fmt.h>

namespace lt::pg::detail {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

std::string megabytes(std::uint64_t bytes) { return fmt::format("{}MB", std::max<std::uint64_t>(1, bytes / kMiB)); }

/// Parallel queries put their hash tables there; containers often have 64 MiB of it, which is not enough.
bool shared_memory_is_small() {
  constexpr std::uint64_t kEnough = 512 * kMiB;
  struct statvfs info {};
  if (statvfs("/dev/shm", &info) != 0) return true;
  return info.f_blocks * info.f_frsize < kEnough;
}

}  // namespace

std::uint64_t usable_memory() {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, sysconf(_SC_PHYS_PAGES)));
  const auto page_size = static_cast<std::uint64_t>(std::max(0L, sysconf(_SC_PAGESIZE)));
  std::uint64_t limit = 0;
  std::ifstream file("/sys/fs/cgroup/memory.max");  // "max" where there is no limit: not a number
  if (file >> limit && limit > 0) return std::min(limit, pages * page_size);
  return pages * page_size;
}

Settings memory_settings(std::uint64_t memory_bytes) {
  const auto between = [](std::uint64_t least, std::uint64_t value, std::uint64_t most) {
    return megabytes(std::clamp(value, least, most));
  };
  // A quarter, but not above 2 GiB: the services, GDAL and the page cache share the machine.
  return {{"shared_buffers", between(32 * kMiB, memory_bytes / 4, 2048 * kMiB)},
          {"effective_cache_size", megabytes(memory_bytes / 2)},
          // Index builds of a first load: two at a time, plus autovacuum's (limited apart).
          {"maintenance_work_mem", between(32 * kMiB, memory_bytes / 16, 512 * kMiB)},
          {"autovacuum_work_mem", between(16 * kMiB, memory_bytes / 64, 128 * kMiB)},
          {"work_mem", between(4 * kMiB, memory_bytes / 512, 32 * kMiB)}};
}

Settings base_settings(bool for_tests) {
  Settings settings{
      {"max_connections", "200"},
      {"password_encryption", "scram-sha-256"},
      {"dynamic_shared_memory_type", shared_memory_is_small() ? "mmap" : "posix"},
      // What is acknowledged is on disk.
      {"fsync", "on"},
      {"synchronous_commit", "on"},
      {"full_page_writes", "on"},
      {"wal_level", "replica"},
      // Few, long checkpoints: each one makes the next change of a page log the whole page.
      {"wal_compression", "lz4"},
      {"max_wal_size", "4GB"},
      {"min_wal_size", "256MB"},
      {"checkpoint_timeout", "15min"},
      {"checkpoint_completion_target", "0.9"},
      {"default_toast_compression", "lz4"},
      // Solid state disks; short statements that compiling would only delay.
      {"random_page_cost", "1.1"},
      {"effective_io_concurrency", "64"},
      {"jit", "off"},
      // Logs of changes only grow: they need vacuum for their visibility map, not for dead rows.
      {"autovacuum_naptime", "15s"},
      {"autovacuum_vacuum_insert_scale_factor", "0.05"},
      {"autovacuum_vacuum_insert_threshold", "10000"},
      {"autovacuum_analyze_scale_factor", "0.05"},
      {"autovacuum_vacuum_cost_limit", "2000"},
      {"lc_messages", "C"},
      {"lc_monetary", "C.UTF-8"},
      {"lc_numeric", "C.UTF-8"},
      {"lc_time", "C.UTF-8"},
      {"default_text_search_config", "pg_catalog.simple"},
      {"timezone", "UTC"},
      {"log_timezone", "UTC"},
      {"logging_collector", "on"},
      {"log_filename", "postgresql-%Y%m%d-%H%M%S.log"},
      {"log_rotation_size", "32MB"},
      {"log_rotation_age", "0"},
      {"log_line_prefix", "%m [%p] %q%a "},
      // DETAIL and CONTEXT quote rows, parameters are data: neither belongs into a log.
      {"log_error_verbosity", "terse"},
      {"log_parameter_max_length", "0"},
      {"log_parameter_max_length_on_error", "0"},
      {"log_min_duration_statement", "5s"},
  };
  if (!for_tests) return settings;
  settings["fsync"] = "off";
  settings["full_page_writes"] = "off";
  settings["shared_buffers"] = "128MB";
  settings["max_wal_size"] = "1GB";
  settings["min_wal_size"] = "80MB";
  return settings;
}

std::string render_config(const Settings& settings) {
  std::string out = "# Written at each start; what is changed here is lost. Use ALTER SYSTEM instead.\n";
  for (const auto& [name, value] : settings) {
    std::string quoted;
    for (const char c : value) {
      if (c == '\'' || c == '\\') quoted += c;  // the file's own escapes
      quoted += c;
    }
    out += fmt::format("{} = '{}'\n", name, quoted);
  }
  return out;
}

std::string_view hba_config() {
  return "# Written at each start.\n"
         "local all all scram-sha-256\n"
         "host all all 127.0.0.1/32 scram-sha-256\n"
         "local replication all scram-sha-256\n"
         "host replication all 127.0.0.1/32 scram-sha-256\n";
}

}  // namespace lt::pg::detail
