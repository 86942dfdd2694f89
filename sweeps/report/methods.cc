// The paper's paragraph on how a sweep was made: from what is recorded, and nothing else.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "sweeps/report/cells.h"
#include "sweeps/report/database.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr int kVerdictsVersion = 12;  // the first whose comparisons say what they are of

struct Configuration {
  std::string name, arm;
  Json axes, trial;           // as stored
  std::int64_t planned = 0;   // trials
  std::vector<Json> results;  // rows of `results`
};

bool Trains(const std::string& arm) { return arm == "full" || arm == "lora" || arm == "prompt"; }

std::string Number(const Json& value) {
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  return Printable(Plain(value));
}

std::string And(const std::vector<std::string>& parts) {
  if (parts.size() < 2) return parts.empty() ? "" : parts.front();
  return fmt::format("{} and {}", fmt::join(parts.begin(), parts.end() - 1, ", "), parts.back());
}

std::string BaseName(const Json& path) {
  return Printable(std::filesystem::path(Plain(path)).lexically_normal().filename().string());
}

class Paragraph {
 public:
  Paragraph(Source& source, FoundSweep sweep) : source_(source), sweep_(std::move(sweep)) {}

  std::string Text() {
    Read();
    Model();
    Data();
    Cuts();
    Arms();
    Training();
    Seeds();
    Decoding();
    Rouge();
    Test();
    Hardware();
    Versions();
    return fmt::format("{}\n", fmt::join(sentences_, " "));
  }

 private:
  template <typename... Args>
  void Say(fmt::format_string<Args...> format, Args&&... args) {
    sentences_.push_back(fmt::format(format, std::forward<Args>(args)...) + ".");
  }

  void Read() {
    SQLite::Statement query(
        *source_.database,
        "SELECT id, name, arm, axes, trial, planned FROM configurations WHERE sweep_id = ?" +
            RowsAlone(source_.version, "") + " ORDER BY position, id");
    query.bind(1, sweep_.id);
    SQLite::Statement results(*source_.database,
                              "SELECT r.* FROM trials AS t JOIN results AS r ON r.trial_id = t.id"
                              " WHERE t.configuration_id = ? ORDER BY t.seed");
    while (query.executeStep()) {
      Configuration configuration{.name = query.getColumn(1).getString(),
                                  .arm = query.getColumn(2).getString(),
                                  .axes = Parsed(query.getColumn(3).getString()),
                                  .trial = Parsed(query.getColumn(4).getString()),
                                  .planned = query.getColumn(5).getInt64(),
                                  .results = {}};
      results.bind(1, query.getColumn(0).getInt64());
      while (results.executeStep()) configuration.results.push_back(RowJson(results));
      results.reset();
      configurations_.push_back(std::move(configuration));
    }
  }

  // The values that a setting takes over the configurations of `arm` (empty: of all that train), in their
  // order.
  using Get = std::function<Json(const Json& trial)>;
  std::vector<Json> Values(const std::string& arm, const Get& get) const {
    std::vector<Json> values;
    for (const Configuration& one : configurations_) {
      if (arm.empty() ? !Trains(one.arm) : one.arm != arm) continue;
      const Json value = get(one.trial);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    return values;
  }
  std::set<Json> InResults(const char* column) const {
    std::set<Json> values;
    for (const Configuration& one : configurations_) {
      for (const Json& result : one.results) {
        if (IsSet(At(result, column))) values.insert(At(result, column));
      }
    }
    return values;
  }
  // One value, "16" or "8 to 16"; empty: not known.
  std::string Range(const char* column) const {
    const std::set<Json> values = InResults(column);
    if (values.empty()) return "";
    const auto text = [](const Json& value) {
      return value.is_number_integer() ? Grouped(value.get<std::int64_t>()) : Number(value);
    };
    return values.size() == 1 ? text(*values.begin())
                              : fmt::format("{} to {}", text(*values.begin()), text(*values.rbegin()));
  }
  const Json& AnyTrial() const {
    static const Json* const kNull = new Json;
    return configurations_.empty() ? *kNull : configurations_.front().trial;
  }
  bool Has(const std::string& arm) const {
    return std::any_of(configurations_.begin(), configurations_.end(),
                       [&](const Configuration& one) { return one.arm == arm; });
  }

  void Model() {
    std::string size;
    for (const Configuration& one : configurations_) {
      for (const Json& result : one.results) {
        const Json &count = At(result, "trainable_parameters"), &share = At(result, "trainable_share");
        if (!size.empty() || !count.is_number() || !share.is_number() || share.get<double>() <= 0) continue;
        const double all = count.get<double>() / share.get<double>();
        const double base = one.arm == "full" ? count.get<double>() : all - count.get<double>();
        size = fmt::format(" ({} parameters)", Grouped(std::llround(base)));
      }
    }
    Say("The base model is {}{}", BaseName(At(AnyTrial(), "model")), size);
  }

  void Data() {
    const Json& data = At(AnyTrial(), "data");
    const Json& validation = At(data, "validation");
    const std::string train = Range("train_documents"), valid = Range("validation_documents"),
                      test = Range("test_documents");
    const auto documents = [](const std::string& count) {
      return count.empty() ? std::string("documents") : count + " documents";
    };
    const std::string held_out =
        validation.is_object()
            ? fmt::format("{} held out of it ({:g} % of the training file) for validation", documents(valid),
                          100 * At(validation, "from_train").get<double>())
            : fmt::format("{} of {} for validation", documents(valid), BaseName(validation));
    Say("It was trained on {} of {}, with {}, and scored on {} of {}; which corpus these files are of is not "
        "recorded",
        documents(train), BaseName(At(data, "train")), held_out, documents(test), BaseName(At(data, "test")));
    const std::set<Json> empty = InResults("empty_documents");
    if (!empty.empty() && *empty.rbegin() != 0)
      Say("{} without an article or an abstract {} left out",
          empty.size() == 1 && *empty.begin() == 1 ? "1 document" : Range("empty_documents") + " documents",
          empty.size() == 1 && *empty.begin() == 1 ? "was" : "were");
    if (InResults("data_fingerprint").size() > 1 || InResults("model_fingerprint").size() > 1)
      Say("The results are of different documents or base models, and must not be compared");
  }

  // " (12 % of the test documents were longer)": the share that was cut.
  std::string Cut(const char* column, const char* what) const {
    const std::set<Json> shares = InResults(column);
    if (shares.empty()) return "";
    const auto percent = [](const Json& share) { return Percent(share.get<double>()); };
    return fmt::format(" ({} of the {})",
                       shares.size() == 1 ? percent(*shares.begin())
                                          : percent(*shares.begin()) + " to " + percent(*shares.rbegin()),
                       what);
  }

  void Cuts() {
    const Json& data = At(AnyTrial(), "data");
    const std::string prefix = Plain(At(data, "source_prefix"));
    Say("Articles were {}cut after {} tokens where they are longer{}, abstracts after {} for the loss{}; "
        "references were never cut for scoring",
        prefix.empty() ? "given without a prefix and "
                       : fmt::format("given with the prefix \"{}\" and ", Printable(prefix)),
        Number(At(data, "max_source_tokens")), Cut("test_sources_cut", "test articles"),
        Number(At(data, "max_target_tokens")), Cut("test_targets_cut", "test abstracts"));
  }

  // What a training setting is called, and its value in words.
  struct Setting {
    const char* key;
    const char* one;   // "{}": the value
    const char* many;  // "{}": the values, listed
  };
  static constexpr Setting kSettings[] = {
      {"learning_rate", "a learning rate of {}", "learning rates of {}"},
      {"epochs", "{} epochs", "{} epochs"},
      {"steps", "{} steps", "{} steps"},
      {"batch_size", "batches of {} documents", "batches of {} documents"},
      {"schedule", "a {} schedule", "{} schedules"},
      {"warmup_steps", "{} warm-up steps", "{} warm-up steps"},
      {"dropout", "dropout {}", "dropout {}"},
      {"gradient_clip", "gradients clipped to a norm of {}", "gradients clipped to norms of {}"},
      {"precision", "precision {}", "precision {}"},
      {"patience", "a stop after {} validations without a gain",
       "a stop after {} validations without a gain"},
  };

  static std::string InWords(const Setting& setting, const std::vector<Json>& values) {
    std::vector<std::string> texts;
    for (const Json& value : values)
      if (!value.is_null()) texts.push_back(Number(value));
    if (texts.empty()) return "";
    return fmt::format(fmt::runtime(texts.size() == 1 ? setting.one : setting.many), And(texts));
  }
  static Get TrainKey(const char* key) {
    return [key](const Json& trial) { return At(At(trial, "train"), key); };
  }

  // What training settings of this arm differ from other arms', or within it.
  std::string Own(const std::string& arm) const {
    std::vector<std::string> parts;
    for (const Setting& setting : kSettings) {
      if (Values("", TrainKey(setting.key)).size() < 2) continue;
      if (std::string text = InWords(setting, Values(arm, TrainKey(setting.key))); !text.empty())
        parts.push_back(std::move(text));
    }
    return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", "));
  }

  static std::string List(const std::vector<Json>& values) {
    std::vector<std::string> texts;
    for (const Json& value : values) {
      if (value.is_array()) {
        std::vector<std::string> items;
        for (const Json& item : value) items.push_back(Number(item));
        texts.push_back(And(items));
      } else {
        texts.push_back(Number(value));
      }
    }
    return values.size() > 1 && values.front().is_array() ? fmt::format("{}", fmt::join(texts, "; or "))
                                                          : And(texts);
  }
  std::string Of(const std::string& arm, const char* key) const {
    return List(Values(arm, [&](const Json& trial) { return At(At(trial, arm), key); }));
  }

  void Arms() {
    std::vector<std::string> arms;
    if (Has("full")) arms.push_back("full fine-tuning" + Own("full"));
    if (Has("lora")) {
      const std::vector<Json> ratios = Values("lora", [](const Json& trial) -> Json {
        const Json &alpha = At(At(trial, "lora"), "alpha"), &rank = At(At(trial, "lora"), "rank");
        if (!alpha.is_number() || !rank.is_number() || rank.get<double>() <= 0) return nullptr;
        return alpha.get<double>() / rank.get<double>();
      });
      const std::string alpha = ratios.size() == 1 && ratios.front().is_number()
                                    ? fmt::format("alpha {} times the rank", Number(ratios.front()))
                                    : "alpha " + Of("lora", "alpha");
      arms.push_back(fmt::format("LoRA of rank {} on the projections {}, {}, with dropout {} on its input{}",
                                 Of("lora", "rank"), Of("lora", "targets"), alpha, Of("lora", "dropout"),
                                 Own("lora")));
    }
    if (Has("prompt")) {
      arms.push_back(fmt::format("prompt tuning with {} tokens, initialised by {}{}", Of("prompt", "tokens"),
                                 Of("prompt", "init"), Own("prompt")));
    }
    if (!arms.empty()) Say("It was trained by {}", fmt::format("{}", fmt::join(arms, "; by ")));
    std::vector<std::string> references;
    if (Has("zero_shot")) references.emplace_back("the base model as it is");
    if (Has("lead"))
      references.push_back(fmt::format("the article's first {} sentences", Of("lead", "sentences")));
    if (!references.empty()) Say("References, which train nothing, are {}", And(references));
  }

  std::string Optimizer() const {
    const std::vector<Json> optimizers = Values("", TrainKey("optimizer"));
    if (optimizers.size() != 1 || !optimizers.front().is_object())
      return optimizers.empty() ? "" : "several optimizers";
    const Json& optimizer = optimizers.front();
    const std::string name = Plain(At(optimizer, "name"));
    if (name == "adafactor") {
      return fmt::format("Adafactor ({} step sizes, {}, weight decay {})",
                         At(optimizer, "relative_step") == true ? "relative" : "fixed",
                         At(optimizer, "scale_parameter") == true ? "scaled by the parameters"
                                                                  : "not scaled by the parameters",
                         Number(At(optimizer, "weight_decay")));
    }
    const Json& betas = At(optimizer, "betas");
    return fmt::format("{} (betas {}, epsilon {}, weight decay {})",
                       name == "adamw" ? "AdamW" : Printable(name),
                       betas.is_array() ? List({betas}) : "unknown", Number(At(optimizer, "eps")),
                       Number(At(optimizer, "weight_decay")));
  }

  void Training() {
    if (!Has("full") && !Has("lora") && !Has("prompt")) return;
    std::vector<std::string> common;
    if (const std::string optimizer = Optimizer(); !optimizer.empty()) common.push_back(optimizer);
    for (const Setting& setting : kSettings) {
      const std::vector<Json> values = Values("", TrainKey(setting.key));
      if (values.size() != 1) continue;
      if (std::string text = InWords(setting, values); !text.empty()) common.push_back(std::move(text));
    }
    Say("Training used {}", And(common));
    const std::vector<Json> keep = Values("", TrainKey("keep")), by = Values("", TrainKey("keep_by"));
    if (keep.size() == 1 && by.size() == 1) {
      if (keep.front() == "last") {
        Say("The weights of the last step were kept");
      } else {
        Say("The weights with the best validation {} were kept",
            by.front() == "validation_rouge1" ? "ROUGE-1" : "loss");
      }
    }
    Tuning();
    Say("Rows of an arm are chosen on validation, never on test");
  }

  void Tuning() {
    if (source_.version < kTuneVersion) return;
    SQLite::Statement sweep(*source_.database, "SELECT tune FROM sweeps WHERE id = ? AND tune IS NOT NULL");
    sweep.bind(1, sweep_.id);
    if (!sweep.executeStep()) return;
    const Json tune = Parsed(sweep.getColumn(0).getString());
    std::vector<std::string> seeds, tried;
    if (At(tune, "seeds").is_array()) {
      for (const Json& seed : At(tune, "seeds")) seeds.push_back(Plain(seed));
    }
    SQLite::Statement rows(*source_.database,
                           "SELECT arm, tries FROM configurations WHERE sweep_id = ? AND tries > 1"
                           " GROUP BY arm, tries ORDER BY min(position)");
    rows.bind(1, sweep_.id);
    while (rows.executeStep())
      tried.push_back(fmt::format("{} settings for {}", rows.getColumn(1).getInt64(),
                                  Printable(rows.getColumn(0).getString())));
    std::vector<std::string> axes;
    if (At(tune, "axes").is_array()) {
      for (const Json& axis : At(tune, "axes")) axes.push_back(Printable(Plain(axis)));
    }
    Say("Each row's {} was chosen from {} by the best validation {} with seed{} {}, which {} not "
        "among those "
        "of the comparison",
        And(axes), And(tried), At(tune, "by") == "validation_loss" ? "loss" : "ROUGE-1",
        seeds.size() == 1 ? "" : "s", And(seeds), seeds.size() == 1 ? "is" : "are");
  }

  void Seeds() {
    SQLite::Statement query(*source_.database,
                            "SELECT DISTINCT t.seed FROM configurations AS c JOIN trials AS t ON"
                            " t.configuration_id = c.id WHERE c.sweep_id = ?"
                            " AND c.arm NOT IN ('zero_shot', 'lead')" +
                                RowsAlone(source_.version, "c.") + " ORDER BY t.seed");
    query.bind(1, sweep_.id);
    std::vector<std::string> seeds;
    while (query.executeStep()) seeds.push_back(query.getColumn(0).getString());
    std::int64_t succeeded = 0, all = 0;
    for (const Configuration& one : configurations_) {
      succeeded += static_cast<std::int64_t>(one.results.size());
      all += one.planned;
    }
    if (!seeds.empty()) {
      Say("Each configuration was trained with {} seed{} ({}), which set{} initialisation, data order and "
          "dropout; "
          "means and sample standard deviations are over seeds",
          seeds.size(), seeds.size() == 1 ? "" : "s", fmt::join(seeds, ", "), seeds.size() == 1 ? "s" : "");
    }
    if (succeeded < all) Say("Of {} trials, {} have a result", all, succeeded);
  }

  void Decoding() {
    const std::vector<Json> settings =
        Values("zero_shot", [](const Json& trial) { return At(trial, "evaluate"); });
    std::vector<Json> all =
        settings.empty() ? Values("", [](const Json& trial) { return At(trial, "evaluate"); }) : settings;
    if (all.empty() || !all.front().is_object()) return;
    const Json& evaluate = all.front();
    const bool greedy = At(evaluate, "beams") == 1;
    std::string text =
        greedy ? "greedily" : fmt::format("by beam search with {} beams", Number(At(evaluate, "beams")));
    text += fmt::format(", at most {} new tokens{}", Number(At(evaluate, "max_new_tokens")),
                        Cut("test_outputs_cut", "test summaries reached that"));
    if (At(evaluate, "min_new_tokens") != 0)
      text += fmt::format(", at least {}", Number(At(evaluate, "min_new_tokens")));
    if (!greedy) {
      text += fmt::format(", length penalty {}, early stopping {}", Number(At(evaluate, "length_penalty")),
                          Number(At(evaluate, "early_stopping")));
    }
    if (At(evaluate, "no_repeat_ngram_size") != 0)
      text += fmt::format(", no {}-gram twice", Number(At(evaluate, "no_repeat_ngram_size")));
    Say("Summaries were decoded {}", text);
  }

  void Rouge() {
    const Json& split = At(At(AnyTrial(), "evaluate"), "sentence_split");
    Say("Scores are ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum F1 in percent as rouge_score 0.1.2 computes "
        "them, "
        "with the Porter stemmer, averaged over documents; for ROUGE-Lsum {}",
        split == "newline" ? "a line is a sentence" : "both texts were cut into sentences by rule");
  }

  void Test() {
    if (source_.version < kVerdictsVersion) return Say("No test of significance is recorded");
    SQLite::Statement query(
        *source_.database,
        "SELECT w.primary_metric, w.margin, w.family, w.baseline, count(p.p_value), min(p.documents),"
        " max(p.documents) FROM sweeps AS w LEFT JOIN comparisons AS p ON p.sweep_id = w.id"
        " AND p.metric = w.primary_metric AND p.p_value IS NOT NULL WHERE w.id = ?");
    query.bind(1, sweep_.id);
    if (!query.executeStep() || query.getColumn(4).getInt64() == 0)
      return Say("No test of significance is recorded");
    const std::string metric = query.getColumn(0).getString();
    Say("Differences to {} were tested on {}, with the documents paired and the seeds independent: Student's "
        "t "
        "with Satterthwaite's degrees of freedom, two-sided, p-values corrected by Holm's method over the {} "
        "trained configurations; differences within {:g} ROUGE points count as equivalent",
        Printable(query.getColumn(3).getString()),
        metric == "rouge1"   ? "ROUGE-1"
        : metric == "rouge2" ? "ROUGE-2"
        : metric == "rougeL" ? "ROUGE-L"
                             : "ROUGE-Lsum",
        query.getColumn(2).getInt64(), query.getColumn(1).getDouble());
  }

  void Hardware() {
    std::vector<std::string> models;
    for (const Json& model : InResults("device_model")) models.push_back(Printable(Plain(model)));
    SQLite::Statement query(
        *source_.database,
        "SELECT sum(julianday(a.ended_at) - julianday(a.started_at)) * 24, count(DISTINCT w.hostname)"
        " FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id JOIN attempts AS a ON "
        "a.trial_id"
        " = t.id JOIN workers AS w ON w.id = a.worker_id WHERE c.sweep_id = ? AND a.started_at IS NOT NULL");
    query.bind(1, sweep_.id);
    query.executeStep();
    if (models.empty() || query.getColumn(0).isNull()) return;
    const double hours = query.getColumn(0).getDouble();
    const std::set<Json> threads = InResults("threads");
    const bool cpu = InResults("device").count("cpu") > 0;
    Say("Trials ran on {}{}, on {} host{}, and took {} in all, scoring and attempts that were lost included",
        And(models),
        cpu && threads.size() == 1 ? fmt::format(" with {} thread{} each", Number(*threads.begin()),
                                                 *threads.begin() == 1 ? "" : "s")
                                   : "",
        query.getColumn(1).getInt64(), query.getColumn(1).getInt64() == 1 ? "" : "s",
        hours < 1 ? fmt::format("{:.0f} minutes", std::ceil(60 * hours))
                  : fmt::format("{:.1f} hours", hours));
  }

  void Versions() {
    std::vector<std::string> builds;
    for (const Json& build : InResults("build")) builds.push_back(Printable(Plain(build)));
    if (builds.empty()) builds.push_back(Printable(sweep_.build));
    Say("Software: Lorikeet {}", And(builds));
    const std::set<Json> data = InResults("data_fingerprint"), model = InResults("model_fingerprint");
    if (data.size() == 1 && model.size() == 1) {
      Say("By SHA-256 the documents are {} and the base model is {}",
          Printable(Plain(*data.begin())).substr(0, 12), Printable(Plain(*model.begin())).substr(0, 12));
    }
  }

  Source& source_;
  const FoundSweep sweep_;
  std::vector<Configuration> configurations_;
  std::vector<std::string> sentences_;
};

}  // namespace

StatusOr<std::string> TellMethods(Source& source, const ExtractRequest& request) {
  ASSIGN_OR_RETURN(FoundSweep sweep, FindSweep(source, request.name));
  const SQLite::Transaction snapshot(*source.database);
  return Paragraph(source, std::move(sweep)).Text();
}

}  // namespace lorikeet::report
