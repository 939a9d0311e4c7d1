// The configuration files of the embedded cluster.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lt::pg::detail {

/// Where things are; real paths.
struct ClusterPaths {
  explicit ClusterPaths(std::string root)
      : directory(std::move(root)),
        data(directory + "/pg"),
        unfinished(directory + "/pg.new"),
        log(directory + "/log"),
        lock(directory + "/lock"),
        password(directory + "/password"),
        init_password(directory + "/pg.password"),
        config(directory + "/postgresql.conf"),
        hba(directory + "/pg_hba.conf"),
        socket_record(directory + "/socket_directory"),
        startup_log(directory + "/startup.log") {}

  std::string directory;
  std::string data;
  std::string unfinished;  ///< initdb works here; renamed when it is complete.
  std::string log;
  std::string lock;
  std::string password;
  std::string init_password;  ///< A copy that the server's user can read, for initdb only.
  std::string config;
  std::string hba;
  std::string socket_record;  ///< Names the socket directory, so that a successor can remove it.
  std::string startup_log;    ///< What the server says before its log collector runs.
};

using Settings = std::map<std::string, std::string>;

/// Memory that this process may use: of the machine or of its control group, whichever is less. Bytes.
std::uint64_t usable_memory();

/// Settings for a server with `memory_bytes` to live in.
Settings memory_settings(std::uint64_t memory_bytes);
/// Durability, checkpoints, planner, vacuum and logging. `for_tests` gives durability up.
Settings base_settings(bool for_tests);

/// postgresql.conf of `settings`, values quoted.
std::string render_config(const Settings& settings);
/// SCRAM for everybody, on the socket and on 127.0.0.1; nothing else.
std::string_view hba_config();

}  // namespace lt::pg::detail
