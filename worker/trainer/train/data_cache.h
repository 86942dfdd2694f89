// A trial's documents and tokens, from where another trial of this host left them.
#pragma once

#include "common/status.h"
#include "worker/files/folder_cache.h"
#include "worker/trainer/train/data.h"

namespace lorikeet::trainer {

// What ReadTrialData and Tokenize give, all three splits, but without the training documents: nothing asks
// for more than their tokens. What is kept there is for the same program, settings, tokenizer and files: each
// file's identity and last change (folder_cache.h), so that a file that changed is read anew. Without a
// cache, or where a file changed moments ago, everything is read and nothing is kept. Errors are those of
// ReadTrialData, and of the tokenizer's library.
StatusOr<TrialData> LoadTrialData(const DataSettings& settings, text::Tokenizer& tokenizer,
                                  const files::FolderCache& cache);

}  // namespace lorikeet::trainer
