// Staging of what is stored already. A change of a snapshot whose content is the stored one needs no state: its row in
// {STAGED}_same is narrow (sequence, id, hashes). The publish transaction trusts these rows as far as nothing changed
// their features since; those that changed get their state back from the log (detail/dataset_publish.cpp).
#pragma once

#include <cstddef>
#include <vector>

#include <absl/status/statusor.h>

#include "base/bytes.hpp"
#include "feature/change.hpp"
#include "pg/connection.hpp"
#include "pg/copy.hpp"

namespace lt::storage {

/// Changes of one dataset that may be as stored, a piece of staging at a time.
class Candidates {
 public:
  struct Candidate {
    feature::Change change;
    Digest hash{};     ///< feature::change_hash()
    Digest content{};  ///< feature::content_hash()
  };

  /// Only an UPSERT of a whole state that expects no version: unchanged whenever its content is the stored one.
  [[nodiscard]] static bool fits(const feature::Change& change);

  void add(Candidate candidate);
  [[nodiscard]] bool empty() const { return all_.empty(); }
  /// In memory, of what add() took.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Finds which are as stored. @return their rows for {STAGED}_same.
  [[nodiscard]] absl::StatusOr<pg::CopyEncoder> compare(pg::Connection& connection, int dataset);
  /// After compare(): those that are not.
  [[nodiscard]] const std::vector<const Candidate*>& differing() const { return differing_; }
  /// After compare(): enough are as stored that the next ones should be compared too.
  [[nodiscard]] bool was_worth_it() const;

 private:
  std::vector<Candidate> all_;
  std::vector<const Candidate*> differing_;
  std::size_t bytes_ = 0;
};

}  // namespace lt::storage
