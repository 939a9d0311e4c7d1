#include "pg/detail/statement_cache.hpp"

#include <catch2/catch.hpp>

namespace lt::pg::detail {
namespace {

TEST_CASE("a statement cache counts uses and keeps names") {
  StatementCache cache(2);
  CHECK(cache.use("a").uses == 1);
  cache.name(cache.use("a"));
  CHECK(cache.use("a").uses == 3);
  CHECK_FALSE(cache.use("a").name.empty());
}

TEST_CASE("a full statement cache drops the least recently used text and evicts its name") {
  StatementCache cache(2);
  cache.name(cache.use("a"));
  cache.name(cache.use("b"));
  const std::string name_of_b = cache.use("b").name;
  cache.use("a");
  cache.use("c");
  CHECK(cache.size() == 2);
  CHECK(cache.take_evicted() == std::vector<std::string>{name_of_b});
  CHECK(cache.take_evicted().empty());
  CHECK(cache.use("b").name.empty());
}

TEST_CASE("a text that was never prepared leaves nothing to evict") {
  StatementCache cache(1);
  cache.use("a");
  cache.use("b");
  CHECK(cache.take_evicted().empty());
}

TEST_CASE("a forgotten statement is evicted only if the server knows it") {
  StatementCache cache(4);
  cache.name(cache.use("a"));
  cache.name(cache.use("b"));
  const std::string name_of_a = cache.use("a").name;
  cache.forget("a", true);
  cache.forget("b", false);
  cache.forget("never seen", true);
  CHECK(cache.take_evicted() == std::vector<std::string>{name_of_a});
  CHECK(cache.size() == 0);
}

TEST_CASE("names are never given twice") {
  StatementCache cache(4);
  cache.name(cache.use("a"));
  const std::string first = cache.use("a").name;
  cache.forget("a", true);
  cache.name(cache.use("a"));
  CHECK(cache.use("a").name != first);
}

}  // namespace
}  // namespace lt::pg::detail
