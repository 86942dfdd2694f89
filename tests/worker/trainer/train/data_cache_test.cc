#include "worker/trainer/train/data_cache.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/worker/trainer/train/tiny_trial.h"

namespace lorikeet::trainer {
namespace {

namespace fs = std::filesystem;

class DataCacheTest : public TinyTrial {
 protected:
  // Trusts a file's times sooner than is safe: the clock of file systems here ticks every few milliseconds.
  files::FolderCache Cache() const {
    return files::FolderCache(Path("cache"), files::FolderCache::kMostBytes, std::chrono::milliseconds(30));
  }
  static void Settle() { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }

  StatusOr<TrialData> Load(const DataSettings& settings) {
    const auto tokenizer = text::Tokenizer::Open(Path("model")).value();
    return LoadTrialData(settings, *tokenizer, Cache());
  }
  // The same, from the files.
  TrialData Read(const DataSettings& settings) {
    auto tokenizer = text::Tokenizer::Load(Path("model")).value();
    return LoadTrialData(settings, *tokenizer, {}).value();
  }
  bool Entries(std::size_t count) const {
    std::size_t found = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(Path("cache"), none))
      found += entry.is_regular_file() ? 1 : 0;
    return found == count;
  }
  // Entries that are used get the time of it.
  void Mark() {
    for (const auto& entry : fs::directory_iterator(Path("cache"))) fs::last_write_time(entry, marked_);
  }
  bool Used() const {
    for (const auto& entry : fs::directory_iterator(Path("cache"))) {
      if (fs::last_write_time(entry) == marked_) return false;
    }
    return true;
  }

  DataSettings Settings() const {
    DataSettings settings = MakeTrial(Method::kLora).data;
    settings.source_prefix = "summarize: ";
    settings.max_source_tokens = 20;
    settings.max_target_tokens = 6;
    return settings;
  }

  const fs::file_time_type marked_ = fs::file_time_type::clock::now() - std::chrono::hours(5);
};

void ExpectSame(const TrialData& a, const TrialData& b) {
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_EQ(a.empty_documents, b.empty_documents);
  EXPECT_EQ(a.warnings, b.warnings);
  for (const auto split : {&TrialData::train, &TrialData::validation, &TrialData::test}) {
    const Split &x = a.*split, &y = b.*split;
    ASSERT_EQ(x.examples.size(), y.examples.size());
    ASSERT_EQ(x.documents.size(), y.documents.size());
    for (std::size_t i = 0; i < x.examples.size(); ++i) {
      EXPECT_EQ(x.examples[i].source, y.examples[i].source);
      EXPECT_EQ(x.examples[i].target, y.examples[i].target);
      EXPECT_EQ(x.examples[i].source_cut, y.examples[i].source_cut);
      EXPECT_EQ(x.examples[i].target_cut, y.examples[i].target_cut);
    }
    for (std::size_t i = 0; i < x.documents.size(); ++i) {
      EXPECT_EQ(x.documents[i].id, y.documents[i].id);
      EXPECT_EQ(x.documents[i].source, y.documents[i].source);
      EXPECT_EQ(x.documents[i].target, y.documents[i].target);
    }
  }
}

TEST_F(DataCacheTest, GivesWhatReadingGives) {
  std::ofstream(Path("test.jsonl"), std::ios::app) << R"({"id": "empty", "article": "x", "abstract": ""})"
                                                   << "\n";
  const DataSettings settings = Settings();
  const TrialData read = Read(settings);
  EXPECT_EQ(read.train.size(), 10u);
  EXPECT_EQ(read.train.documents.size(), 0u);
  EXPECT_EQ(read.test.documents.size(), 5u);
  EXPECT_EQ(read.warnings.size(), 1u);

  const auto tokenizer = text::Tokenizer::Open(Path("model")).value();
  ExpectSame(LoadTrialData(settings, *tokenizer, files::FolderCache(Path("cache"))).value(), read);
  EXPECT_TRUE(Entries(0));  // the files are from this moment
  Settle();
  ExpectSame(Load(settings).value(), read);
  ASSERT_TRUE(Entries(1));
  Mark();
  ExpectSame(Load(settings).value(), read);
  EXPECT_TRUE(Used());

  // What else the data depend on.
  const auto other = [&](const auto& change) {
    DataSettings changed = settings;
    change(changed);
    Mark();
    ExpectSame(Load(changed).value(), Read(changed));
    EXPECT_FALSE(Used());
  };
  other([](DataSettings& s) { s.source_prefix = "say: "; });
  other([](DataSettings& s) { s.max_source_tokens = 8; });
  other([](DataSettings& s) { s.max_target_tokens = 3; });
  other([](DataSettings& s) { s.limit_train = 3; });
  other([](DataSettings& s) { s.limit_test = 2; });
  other([](DataSettings& s) {
    s.validation.clear();
    s.validation_from_train = 0.3;
  });
  other([](DataSettings& s) { std::swap(s.source_field, s.target_field); });
}

TEST_F(DataCacheTest, NeverGivesWhatAFileHeldBefore) {
  const DataSettings settings = Settings();
  Settle();
  ASSERT_TRUE(Load(settings).ok());
  ASSERT_TRUE(Entries(1));

  const auto time = fs::last_write_time(Path("train.jsonl"));
  std::string content = ReadFile(Path("train.jsonl")).value();
  content.replace(content.find("quickly"), 7, "at once");  // as long, in the same file, with its old time
  std::ofstream(Path("train.jsonl")) << content;
  fs::last_write_time(Path("train.jsonl"), time);
  Settle();
  const TrialData changed = Load(settings).value();
  ExpectSame(changed, Read(settings));

  // Another tokenizer.
  std::string spiece = ReadFile(Path("model/spiece.model")).value();
  spiece.replace(spiece.find("tion"), 4, "tiom");
  std::ofstream(Path("model/spiece.model"), std::ios::binary) << spiece;
  Settle();
  ExpectSame(Load(settings).value(), Read(settings));
}

TEST_F(DataCacheTest, ReplacesABrokenEntry) {
  const DataSettings settings = Settings();
  Settle();
  ASSERT_TRUE(Load(settings).ok());
  ASSERT_TRUE(Entries(1));
  const fs::path entry = fs::directory_iterator(Path("cache"))->path();
  const std::string whole = ReadFile(entry).value();
  std::ofstream(entry, std::ios::binary) << whole.substr(0, whole.size() / 2);
  ExpectSame(Load(settings).value(), Read(settings));
  EXPECT_EQ(ReadFile(entry).value(), whole);
}

// A trial that finds everything in the cache gives the numbers of one that read it.
TEST_F(DataCacheTest, ATrialIsTheSameFromTheCache) {
  Settle();
  TrialRunOptions options;
  options.trial = MakeTrial(Method::kLora);
  std::vector<std::string> fingerprints;
  std::vector<double> losses;
  for (const char* cache : {"", "cache", "cache"}) {
    options.directory = Path(std::string("out") + std::to_string(losses.size()));
    options.cache = *cache == '\0' ? files::FolderCache() : Cache();
    TrialHooks hooks;
    hooks.send = [&](const protocol::Event& event) {
      if (const auto* result = std::get_if<protocol::Result>(&event)) {
        losses.push_back(result->test_loss.value_or(-1));
        fingerprints.push_back(result->data_fingerprint + result->model_fingerprint +
                               std::to_string(result->train_documents));
      }
    };
    const auto end = RunTrial(options, hooks);
    ASSERT_TRUE(end.ok()) << end.status();
  }
  EXPECT_TRUE(Entries(2));
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_EQ(losses[1], losses[0]);
  EXPECT_EQ(losses[2], losses[0]);
  EXPECT_EQ(fingerprints[1], fingerprints[0]);
  EXPECT_EQ(fingerprints[2], fingerprints[0]);
}

}  // namespace
}  // namespace lorikeet::trainer
