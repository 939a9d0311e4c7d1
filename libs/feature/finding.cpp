#include "feature/finding.hpp"

namespace lt::feature {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kError: return "ERROR";
    case Severity::kWarning: return "WARNING";
    case Severity::kInfo: return "INFO";
  }
  return "";
}

}  // namespace lt::feature
