// Starting programs as another user, and finding the processes of a data directory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::pg::detail {

/// Whom a child process runs as.
struct UserIdentity {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool change = false;  ///< False: it is the user of this process, nothing is switched.
};

/// The user that a server on `data_directory` runs as: this process's own, or, for root, the owner of the directory,
/// else LIENTHONG_PG_USER, else postgres.
/// Errors: FAILED_PRECONDITION DATABASE_USER_MISSING.
absl::StatusOr<UserIdentity> server_user(const std::string& data_directory);

struct SpawnOptions {
  std::vector<std::string> command;  ///< Absolute program, then its arguments.
  UserIdentity user;
  std::string working_directory = "/";
  std::string output_file;       ///< Standard output and error are written to it anew.
  bool die_with_thread = false;  ///< SIGINT to the child when the CALLING THREAD ends (PR_SET_PDEATHSIG).
};

/// Starts a program in a session of its own (a Ctrl-C on the terminal must not reach it), without this process's
/// descriptors, signal handlers and PG* environment.
/// Errors: INTERNAL PROCESS_START_FAILED. A program that cannot be executed ends with exit status 127.
absl::StatusOr<pid_t> spawn(const SpawnOptions& options);

/// Starts a program and waits for its end. @return its exit status, or 128 + the signal that ended it.
/// Errors: as spawn(); DEADLINE_EXCEEDED PROCESS_TIMEOUT, after which it is killed.
absl::StatusOr<int> run(const SpawnOptions& options, std::chrono::milliseconds timeout);

/// The first of `path` and its parents, from / on, that `user` may not enter; "" when all is well.
absl::StatusOr<std::string> first_unreachable(const UserIdentity& user, const std::string& path);

/// PostgreSQL processes whose working directory is `data_directory` (a real path), as the postmaster and all its
/// children have it.
std::vector<pid_t> server_processes(const std::string& data_directory);

/// Ends every PostgreSQL process of `data_directory`: the postmaster in an orderly way, orphans of a dead one at once.
/// Returns when they are gone.
/// Errors: FAILED_PRECONDITION DATA_DIRECTORY_IN_USE some are still there after `timeout`.
absl::Status end_server_processes(const std::string& data_directory, int signal, std::chrono::milliseconds timeout);

/// The last lines of a file, on one line, for an error message.
std::string last_words(const std::string& file);

}  // namespace lt::pg::detail
