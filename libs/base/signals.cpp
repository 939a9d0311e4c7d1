#include "base/signals.hpp"

#include <signal.h>
#include <unistd.h>

namespace lt {
namespace {

constexpr int kExitBySignal = 128;  // the convention of shells

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

void exit_now(int signal_number) { _exit(kExitBySignal + signal_number); }

}  // namespace

void block_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

int wait_for_signal() {
  const sigset_t set = stop_signals();
  int received = 0;
  while (sigwait(&set, &received) != 0) {
  }
  struct sigaction leave {};
  leave.sa_handler = exit_now;
  sigaction(SIGINT, &leave, nullptr);
  sigaction(SIGTERM, &leave, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return received;
}

void request_stop() { kill(getpid(), SIGTERM); }

}  // namespace lt
