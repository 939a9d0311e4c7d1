// lienthong dataset create|list|show
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_dataset(CLI::App& app, Cli& cli);

}  // namespace lt::cli
