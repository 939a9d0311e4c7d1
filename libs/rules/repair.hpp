// Repairs that a publisher allows: changes of what was sent that make it valid, each reported as a finding.
#pragma once

#include <string_view>
#include <vector>

#include "feature/change.hpp"
#include "feature/finding.hpp"
#include "feature/record.hpp"
#include "feature/schema.hpp"

namespace lt::rules {

/// Makes the repairs of one changeset in states of one schema revision. Immutable, so safe to share between threads.
class Repairer {
 public:
  /// @param repairs those that may be made; none: repair() does nothing.
  Repairer(const feature::Schema& schema, const std::vector<feature::Repair>& repairs);

  [[nodiscard]] bool active() const { return nfc_ || promote_; }

  /// Changes `state` and returns a finding of severity INFO for each change, by field number, the geometry last:
  ///   F01 TEXT_NORMALIZED    kNfc: a string, the items of a string_list, or the texts and member names of a json were
  ///                          not in Unicode normalization form C and are now; one finding per field. A json whose
  ///                          member names would become equal is left as it is.
  ///   G02 GEOMETRY_PROMOTED  kPromoteToMulti: a POINT, LINESTRING or POLYGON that the schema does not allow became the
  ///                          multi type, which it allows; an empty one becomes the empty multi type.
  /// `state` holds what feature::check_value() accepts. The feature's id is never changed.
  /// @source Unicode Standard Annex #15 (ICU's data).
  [[nodiscard]] std::vector<feature::Finding> repair(std::string_view feature_id, feature::State& state) const;

 private:
  feature::Schema schema_;
  bool nfc_ = false;
  bool promote_ = false;
};

}  // namespace lt::rules
