#include "pg/detail/cluster_settings.hpp"

#include <catch2/catch.hpp>

namespace lt::pg::detail {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

TEST_CASE("shared buffers are a quarter of the memory within limits") {
  CHECK(memory_settings(64 * kMiB).at("shared_buffers") == "32MB");
  CHECK(memory_settings(4096 * kMiB).at("shared_buffers") == "1024MB");
  CHECK(memory_settings(8192 * kMiB).at("shared_buffers") == "2048MB");
  CHECK(memory_settings(262144 * kMiB).at("shared_buffers") == "2048MB");
}

TEST_CASE("the machine has memory") { CHECK(usable_memory() > 64 * kMiB); }

TEST_CASE("settings are durable unless they are for tests") {
  const Settings durable = base_settings(false);
  CHECK(durable.at("fsync") == "on");
  CHECK(durable.at("synchronous_commit") == "on");
  CHECK(durable.at("full_page_writes") == "on");
  CHECK(base_settings(true).at("fsync") == "off");
}

TEST_CASE("quotes and backslashes in values are escaped") {
  const std::string text = render_config({{"log_directory", R"(/a'b\c)"}});
  CHECK(text.find(R"(log_directory = '/a''b\\c')") != std::string::npos);
}

TEST_CASE("nobody is let in without a password") {
  const std::string hba(hba_config());
  CHECK(hba.find("trust") == std::string::npos);
  CHECK(hba.find("peer") == std::string::npos);
  CHECK(hba.find("0.0.0.0") == std::string::npos);
}

}  // namespace
}  // namespace lt::pg::detail
