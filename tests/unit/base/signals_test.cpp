#include "base/signals.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include <catch2/catch.hpp>

namespace {

// Exit code of a child process that runs `body`.
int exit_code_of(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("wait_for_signal returns the signal that came, also one from before the wait") {
  CHECK(exit_code_of([] {
          lt::block_signals();
          raise(SIGINT);
          return lt::wait_for_signal();
        }) == SIGINT);
  CHECK(exit_code_of([] {
          lt::block_signals();
          lt::request_stop();
          return lt::wait_for_signal();
        }) == SIGTERM);
}

TEST_CASE("the second signal ends the process at once") {
  CHECK(exit_code_of([] {
          lt::block_signals();
          raise(SIGTERM);
          lt::wait_for_signal();
          raise(SIGTERM);
          return 0;
        }) == 128 + SIGTERM);
}
