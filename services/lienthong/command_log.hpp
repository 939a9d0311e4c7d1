// lienthong log DATASET, show DATASET V
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_log(CLI::App& app, Cli& cli);
void add_show(CLI::App& app, Cli& cli);

}  // namespace lt::cli
