// Identifiers that the system makes.
#pragma once

#include <string>

namespace lt {

/// A UUID version 7 in text form: unique, and ordered by the millisecond of its making. Thread-safe.
/// @source RFC 9562 §5.7.
[[nodiscard]] std::string make_uuid7();

}  // namespace lt
