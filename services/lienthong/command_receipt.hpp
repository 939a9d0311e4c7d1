// lienthong receipt verify FILE
#pragma once

#include "lienthong/cli.hpp"

namespace lt::cli {

void add_receipt(CLI::App& app, Cli& cli);

}  // namespace lt::cli
