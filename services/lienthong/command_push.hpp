// lienthong push DATASET FILE
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_push(CLI::App& app, Cli& cli);

}  // namespace lt::cli
