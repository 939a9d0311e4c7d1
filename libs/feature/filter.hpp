// Filters of views: a subset of OGC CQL2 text, with one meaning in this program and in SQL.
//
// Grammar, from the loosest to the tightest binding (docs/filters.md has examples):
//   condition  = and { OR and }
//   and        = not { AND not }
//   not        = [ NOT ] ... predicate
//   predicate  = TRUE | FALSE | ( condition )
//              | value (= | <> | < | <= | > | >=) value
//              | value [NOT] BETWEEN value AND value
//              | value [NOT] IN ( literal {, literal} )
//              | value [NOT] LIKE 'pattern'
//              | value IS [NOT] NULL
//              | S_INTERSECTS ( geometry , WKT ) | S_WITHIN ( geometry , WKT )
//   value      = product { (+ | -) product };  product = unary { (* | /) unary };  unary = [-] ... atom
//   atom       = number | 'text' | TRUE | FALSE | DATE('...') | TIMESTAMP('...') | property | ( value )
// Words are reserved in any letter case; a property is a bare name or stands in double quotes. @source OGC 21-065r2
//
// Meaning. A property that is absent is NULL; NULL spreads through operators, and AND, OR and NOT are three-valued.
// Text compares by code points. int64 with int64 stays int64, / cutting towards zero; with a double both are doubles.
// x/0 is NULL. A decimal compares exactly with decimals, int64s and literals and takes no part in arithmetic. NaN
// equals itself and is above every number. Timestamps compare in UTC, those without an offset as if they were UTC.
// Both operands of a comparison or of arithmetic are computed; AND ends at the first FALSE, OR at the first TRUE. What
// is constant is computed when the filter is read: AND with a constant FALSE is FALSE, OR with a constant TRUE is TRUE,
// an operator with a constant NULL is NULL, whatever the rest would give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>

#include "feature/record.hpp"
#include "feature/schema.hpp"

namespace lt::feature {

namespace detail {
struct FilterTree;
}  // namespace detail

/// What a filter may cost.
struct FilterLimits {
  std::size_t max_bytes = 64U << 10;     ///< of the text, as written and in canonical form
  int max_depth = 100;                   ///< of brackets, of NOT and of minus in it, and of the tree of operators
  std::size_t max_nodes = 10'000;        ///< operators, properties and literals
  std::size_t max_list = 1'000;          ///< items of one IN
  std::uint32_t max_vertices = 4'096;    ///< of one geometry
  std::size_t max_number_chars = 1'000;  ///< of one number
};

/// A point in time as a parameter: microseconds since 1970-01-01T00:00:00Z.
struct UtcTime {
  std::int64_t us = 0;
  bool operator==(const UtcTime&) const = default;
};

/// The value of $n: boolean, bigint, double precision, text, timestamptz, bigint[], text[].
using SqlValue =
    std::variant<bool, std::int64_t, double, std::string, UtcTime, std::vector<std::int64_t>, std::vector<std::string>>;

/// A condition on the columns `geom geometry` and `props jsonb` (properties by field number) of a stored feature.
struct SqlFilter {
  std::string text;              ///< Never NULL. Must stay whole, so that PostgreSQL keeps the order of its parts.
  std::vector<SqlValue> values;  ///< of $first, $first+1, ...
  /// True: `text` holds exactly for the features that the filter holds for, and fails with SQLSTATE 22003 exactly where
  /// evaluation fails with FILTER_OVERFLOW. False (always with S_INTERSECTS or S_WITHIN): `text` never fails, and
  /// holds at least for the features that the filter holds for or fails on so; FilterEvaluator decides.
  bool exact = true;
};

struct SqlColumns {
  std::string geometry = "geom";
  std::string properties = "props";
  int first_parameter = 1;
};

/// A filter that fits a schema. Immutable and cheap to copy; may be shared between threads.
class Filter {
 public:
  /// @param schema whose property names the filter uses; it keeps their numbers.
  /// Errors; the first three have line and column (code points, from 1) in message and metadata:
  ///   INVALID_ARGUMENT FILTER_SYNTAX            not the grammar, or a literal that is none
  ///   INVALID_ARGUMENT FILTER_TYPE              operands that do not fit each other or the operator
  ///   INVALID_ARGUMENT FILTER_UNKNOWN_PROPERTY  the message lists names that are close
  ///   RESOURCE_EXHAUSTED FILTER_TOO_LARGE       a limit was passed
  ///   OUT_OF_RANGE FILTER_OVERFLOW              a number computed from constants does not fit
  [[nodiscard]] static absl::StatusOr<Filter> parse(std::string_view text, const Schema& schema,
                                                    const FilterLimits& limits = {});

  /// The same filter in canonical form: words in capitals, single spaces, only the brackets that are needed. What is
  /// parsed from it gives the same text again and the same answers.
  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] SqlFilter to_sql(const SqlColumns& columns = {}) const;
  /// As to_sql(), but never exact, so that it fails for no feature.
  [[nodiscard]] SqlFilter to_candidate_sql(const SqlColumns& columns = {}) const;
  /// True when it looks at where a feature is (S_INTERSECTS, S_WITHIN).
  [[nodiscard]] bool is_spatial() const;

 private:
  friend class FilterEvaluator;
  explicit Filter(std::shared_ptr<const detail::FilterTree> tree);
  std::shared_ptr<const detail::FilterTree> tree_;
};

/// Answers for features one after another. Not thread-safe: one per thread. Movable.
class FilterEvaluator {
 public:
  explicit FilterEvaluator(Filter filter);
  ~FilterEvaluator();
  FilterEvaluator(FilterEvaluator&&) noexcept;
  FilterEvaluator& operator=(FilterEvaluator&&) noexcept;

  /// True, false, or nothing for NULL.
  /// Errors: OUT_OF_RANGE FILTER_OVERFLOW arithmetic that does not fit into int64 or double; DATA_LOSS RECORD_MALFORMED
  /// a property is not of the schema's type; INTERNAL GEOS_FAILED.
  [[nodiscard]] absl::StatusOr<std::optional<bool>> evaluate(const State& state);
  /// evaluate() is true. Errors: the same.
  [[nodiscard]] absl::StatusOr<bool> matches(const State& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::feature
