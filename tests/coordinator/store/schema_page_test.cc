// Holds docs/schema.md to the schema: its queries run, and it names every table, view and column.
#include <algorithm>

#include "common/files.h"
#include "tests/coordinator/store/fixture.h"
#include "tests/paths.h"

namespace lorikeet::store {
namespace {

class SchemaPageTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Fill();
    const auto page = ReadFile(std::string(kSourceDir) + "/docs/schema.md");
    ASSERT_TRUE(page.ok()) << page.status();
    page_ = *page;
  }
  std::string page_;
};

TEST_F(SchemaPageTest, ItsQueriesRun) {
  const std::string begin_mark = "```sql\n";
  const auto begin = page_.find(begin_mark);
  ASSERT_NE(begin, std::string::npos);
  std::string sql = page_.substr(begin + begin_mark.size());
  sql.resize(sql.find("```"));
  int queries = 0;
  for (std::size_t end = 0; (end = sql.find(";\n")) != std::string::npos; sql.erase(0, end + 2)) {
    EXPECT_NO_THROW(Query(store_->path(), sql.substr(0, end))) << sql.substr(0, end);
    ++queries;
  }
  EXPECT_GE(queries, 8);
}

TEST_F(SchemaPageTest, EveryTableViewAndColumnIsNamed) {
  // Those that the page gives by their pattern, from the one it spells out.
  const auto by_pattern = [](const std::string& column) {
    return column.find("rouge2") != std::string::npos || column.find("rougeL") != std::string::npos ||
           column.starts_with("validation_");
  };
  for (const auto& table : Query(store_->path(),
                                 "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
                                 " AND name NOT LIKE 'sqlite_%'")) {
    EXPECT_NE(page_.find("`" + table[0] + "`"), std::string::npos) << table[0];
    for (const auto& column :
         Query(store_->path(), "SELECT name FROM pragma_table_info('" + table[0] + "')")) {
      if (by_pattern(column[0])) continue;
      // In backticks, alone or in a list of names.
      const bool named = page_.find("`" + column[0] + "`") != std::string::npos ||
                         page_.find(" " + column[0] + ",") != std::string::npos ||
                         page_.find(" " + column[0] + "`") != std::string::npos ||
                         page_.find("`" + column[0] + ",") != std::string::npos;
      EXPECT_TRUE(named) << table[0] << "." << column[0];
    }
  }
}

}  // namespace
}  // namespace lorikeet::store
