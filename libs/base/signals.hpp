// SIGINT and SIGTERM as something a program waits for.
#pragma once

namespace lt {

/// Blocks SIGINT and SIGTERM in this thread and those it starts later. Call first in main(), before any thread exists.
/// Also ignores SIGPIPE: a vanished peer is an error of the write.
void block_signals();

/// Waits for SIGINT or SIGTERM (blocked by block_signals()) and returns it. From then on the next one ends the process
/// at once with exit code 128 + signal, so that a shutdown that hangs can be broken by the user. Call once, from
/// main().
int wait_for_signal();

/// Makes wait_for_signal() return SIGTERM, from any thread.
void request_stop();

}  // namespace lt
