// A database of an older program, with datasets in it, is brought to the present schema.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "pg/migrate.hpp"
#include "storage_support.hpp"

namespace lt::test {
namespace {

struct File {
  int number = 0;
  std::string name, text;
};

std::vector<File> migration_files() {
  std::vector<File> files;
  // The folder of the data need not exist.
  const auto folder = (std::filesystem::path(LT_TEST_DATA) / ".." / ".." / "migrations").lexically_normal();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    files.push_back({std::stoi(name.substr(1, name.find('_') - 1)), name, text.str()});
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.number < b.number; });
  return files;
}

TEST_CASE("datasets made before sources were kept get the column, and new ones have it once") {
  TempDatabase database;
  auto connection = database.connect();
  const auto files = migration_files();
  std::vector<pg::Migration> older;
  for (const auto& file : files) {
    if (file.number < 5) older.push_back({file.number, file.name, file.text});
  }
  REQUIRE(older.size() == 4);
  must(pg::migrate(connection, older));
  must(connection.execute_script(
      "INSERT INTO lienthong.dataset (uid, name, owner_id) VALUES ('u1', 'a.b', 1), ('u2', 'a.c', 1);"
      "INSERT INTO lienthong.schema_revision (dataset_id, revision, body) SELECT id, 1, '{}' FROM lienthong.dataset;"
      "INSERT INTO lienthong.dataset_head (dataset_id) SELECT id FROM lienthong.dataset;"
      "SELECT lienthong.create_dataset_tables(id) FROM lienthong.dataset;"
      "INSERT INTO lienthong_data.feature_1 (version, op, fid, content_hash) VALUES (1, 'I', 'f', '');"
      "INSERT INTO lienthong_staging.attempt (attempt_id, organisation, header_sha256, owner, prefix)"
      " VALUES ('t', 'operator', '', 1, 'staged_1')"));
  must(storage::migrate_database(connection));
  const auto number = [&](const std::string& sql) { return must(connection.execute(sql)).get_int(0, 0); };
  const std::string columns =
      "SELECT count(*) FROM pg_attribute WHERE attname = 'source_hash' AND attrelid = 'lienthong_data.feature_";
  CHECK(number(columns + "1'::regclass") == 1);
  CHECK(number(columns + "2'::regclass") == 1);
  CHECK(number("SELECT count(*) FROM lienthong_data.feature_1 WHERE source_hash IS NULL") == 1);
  // What was broken off had staged tables of the older form.
  CHECK(number("SELECT count(*) FROM lienthong_staging.attempt") == 0);
  must(connection.execute_script(
      "INSERT INTO lienthong.dataset (uid, name, owner_id) VALUES ('u3', 'a.d', 1);"
      "SELECT lienthong.create_dataset_tables(3);"
      "SELECT lienthong.create_load_table('lienthong_data.feature_3', 'lienthong_staging.load_3')"));
  CHECK(number(columns + "3'::regclass") == 1);
  CHECK(number("SELECT count(*) FROM pg_attribute WHERE attname = 'source_hash' AND "
               "attrelid = 'lienthong_staging.load_3'::regclass") == 1);
}

}  // namespace
}  // namespace lt::test
