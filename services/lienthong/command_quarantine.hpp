// lienthong quarantine list|release|discard DATASET
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_quarantine(CLI::App& app, Cli& cli);

}  // namespace lt::cli
